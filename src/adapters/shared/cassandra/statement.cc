#include "adapters/shared/cassandra/statement.h"

#include <bit>

namespace parley::cassandra {

void Statement::size(std::int32_t bytes) {
  const auto big = std::byteswap(bytes);
  values_.append(reinterpret_cast<const char*>(&big), sizeof big);
  ++count_;
}

template <class Number>
Statement& Statement::number(Number value) {
  size(sizeof value);
  const auto big = std::byteswap(value);
  values_.append(reinterpret_cast<const char*>(&big), sizeof big);
  return *this;
}

Statement& Statement::bigint(std::int64_t value) { return number(value); }
Statement& Statement::integer(std::int32_t value) { return number(value); }
Statement& Statement::boolean(bool value) { return number<std::int8_t>(value); }

Statement& Statement::bytes(std::string_view value) {
  size(static_cast<std::int32_t>(value.size()));  // what is larger than a frame is refused there
  values_.append(value);
  return *this;
}
/// A list: how many, then each with its size (CQL native protocol, v4, section 6.9).
Statement& Statement::integers(std::span<const std::int32_t> values) {
  size(static_cast<std::int32_t>(4 + 8 * values.size()));
  const auto append = [this](std::int32_t value) {
    const auto big = std::byteswap(value);
    values_.append(reinterpret_cast<const char*>(&big), sizeof big);
  };
  append(static_cast<std::int32_t>(values.size()));
  for (const auto value : values) {
    append(sizeof value);
    append(value);
  }
  return *this;
}
Statement& Statement::null() {
  size(-1);
  return *this;
}
Statement& Statement::unset() {
  size(-2);
  return *this;
}

parley_cql_bound Statement::bound() const {
  return {.prepared = prepared_,
          .values = reinterpret_cast<const std::uint8_t*>(values_.data()),
          .values_size = values_.size(),
          .count = count_};
}

}  // namespace parley::cassandra
