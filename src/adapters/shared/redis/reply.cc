#include "adapters/shared/redis/reply.h"

#include <charconv>
#include <hiredis/hiredis.h>

#include "base/check.h"

namespace parley::redis {

bool Reply::is_nil() const { return reply_->type == REDIS_REPLY_NIL; }

std::string_view Reply::text() const {
  if (reply_->type != REDIS_REPLY_STRING && reply_->type != REDIS_REPLY_STATUS) return {};
  return {reply_->str, reply_->len};
}

std::size_t Reply::size() const { return reply_->type == REDIS_REPLY_ARRAY ? reply_->elements : 0; }

Reply Reply::at(std::size_t i) const {
  PARLEY_CHECK(i < size(), "an element that the reply has");
  return Reply(*reply_->element[i]);
}

Result<std::uint64_t> Reply::number() const {
  if (reply_->type == REDIS_REPLY_INTEGER && reply_->integer >= 0)
    return static_cast<std::uint64_t>(reply_->integer);
  const auto digits = text();
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size())
    return fail(Code::internal, "Redis answered something where a number was expected");
  return value;
}

Result<std::vector<std::uint64_t>> Reply::numbers() const {
  if (reply_->type != REDIS_REPLY_ARRAY)
    return fail(Code::internal, "Redis answered something where a list was expected");
  std::vector<std::uint64_t> out;
  out.reserve(reply_->elements);
  for (std::size_t i = 0; i < reply_->elements; ++i) {
    PARLEY_TRY(value, at(i).number());
    out.push_back(value);
  }
  return out;
}

}  // namespace parley::redis
