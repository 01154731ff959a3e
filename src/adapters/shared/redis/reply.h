#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/result.h"

struct redisReply;

namespace parley::redis {

/// One reply of the server that is not an error. A view, valid until the callback that it was given
/// to returns.
class Reply {
 public:
  explicit Reply(const redisReply& reply) : reply_(&reply) {}

  bool is_nil() const;
  std::string_view text() const;  // of a string or a status; of anything else: empty
  std::size_t size() const;       // of an array; of anything else: 0
  Reply at(std::size_t i) const;
  /// An integer, or a string that is one; else `internal`.
  Result<std::uint64_t> number() const;
  /// An array of these.
  Result<std::vector<std::uint64_t>> numbers() const;

 private:
  const redisReply* reply_;
};

}  // namespace parley::redis
