#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <utility>

#include "base/codes.h"

namespace parley {

/// What a caller, and in the end a person, is told of a failure.
struct [[nodiscard]] Error {
  Code code = Code::internal;
  std::string message;               // one sentence: what is wrong and what to do
  std::string field = {};            // the field of the request at fault, where there is one
  std::uint32_t retry_after_ms = 0;  // of a retryable error: when to come again
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(Code code, std::string message, std::string field = {}) {
  return std::unexpected(Error{code, std::move(message), std::move(field), 0});
}
inline std::unexpected<Error> fail_for(Code code, std::string message,
                                       std::uint32_t retry_after_ms) {
  return std::unexpected(Error{code, std::move(message), {}, retry_after_ms});
}

#define PARLEY_CONCAT_(a, b) a##b
#define PARLEY_CONCAT(a, b) PARLEY_CONCAT_(a, b)

/// `PARLEY_TRY(user, find(id));` declares `user`, or returns the error.
#define PARLEY_TRY(name, expression)                                         \
  auto PARLEY_CONCAT(name, _result) = (expression);                          \
  if (!PARLEY_CONCAT(name, _result))                                         \
    return std::unexpected(std::move(PARLEY_CONCAT(name, _result)).error()); \
  auto& name = *PARLEY_CONCAT(name, _result)
#define PARLEY_CO_TRY(name, expression)                                         \
  auto PARLEY_CONCAT(name, _result) = (expression);                             \
  if (!PARLEY_CONCAT(name, _result))                                            \
    co_return std::unexpected(std::move(PARLEY_CONCAT(name, _result)).error()); \
  auto& name = *PARLEY_CONCAT(name, _result)

/// The same for `Result<void>`.
#define PARLEY_TRY_VOID(expression)                                                   \
  do {                                                                                \
    auto try_void_result = (expression);                                              \
    if (!try_void_result) return std::unexpected(std::move(try_void_result).error()); \
  } while (false)
#define PARLEY_CO_TRY_VOID(expression)                                                   \
  do {                                                                                   \
    auto try_void_result = (expression);                                                 \
    if (!try_void_result) co_return std::unexpected(std::move(try_void_result).error()); \
  } while (false)

}  // namespace parley
