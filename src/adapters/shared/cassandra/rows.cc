#include "adapters/shared/cassandra/rows.h"

#include <bit>
#include <cstring>

#include "base/check.h"

namespace parley::cassandra {

template <class Number>
Number Cell::number() const {
  PARLEY_CHECK(cell_.size == sizeof(Number), "the column has another type, or the value is null");
  Number value;
  std::memcpy(&value, cell_.data, sizeof value);
  return std::byteswap(value);  // the protocol is big-endian, Parley's machines are not
}
template std::int64_t Cell::number() const;
template std::int32_t Cell::number() const;
template std::int8_t Cell::number() const;

std::string_view Cell::bytes() const {
  PARLEY_CHECK(!is_null(), "the value is null");
  return {reinterpret_cast<const char*>(cell_.data), static_cast<std::size_t>(cell_.size)};
}

Rows::Rows(Owned result) : result_(std::move(result)) {
  parley_cql_result_view(result_.get(), &view_);
}

Cell Rows::at(std::size_t row, std::size_t column) const {
  PARLEY_CHECK(row < view_.rows && column < view_.columns, "no such row or column");
  return Cell(view_.cells[row * view_.columns + column]);
}

}  // namespace parley::cassandra
