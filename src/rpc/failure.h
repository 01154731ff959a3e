#pragma once
#include <string>

#include "base/result.h"

namespace parley::rpc::v1 {
class Failure;
class Frame;
}  // namespace parley::rpc::v1
namespace parley::rpc {

/// When to come again if the other process cannot be asked.
inline constexpr std::uint32_t kRetryMs = 500;

inline Error unavailable(std::string what) {
  return {Code::unavailable, std::move(what), {}, kRetryMs};
}
inline Error timed_out(std::string what) {
  return {Code::timed_out, std::move(what), {}, kRetryMs};
}

void to_proto(const Error& error, v1::Failure& out);
Error from_proto(const v1::Failure& failure);

}  // namespace parley::rpc
