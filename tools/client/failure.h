#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace parley::client {

/// Why something did not work, for a person: one sentence, and the server's code where it came from
/// there.
struct [[nodiscard]] Failure {
  std::string code;  // a name of proto/codes.json, or empty: the trouble is on this side
  std::string message;
  std::string field = {};  // the field at fault, where the server named one
  bool retryable = false;  // the same request may succeed later
  std::uint32_t retry_after_ms = 0;
};

template <class T>
using Outcome = std::expected<T, Failure>;

/// A failure on this side, which trying again does not mend.
inline std::unexpected<Failure> failed(std::string message) {
  return std::unexpected(Failure{.code = {}, .message = std::move(message)});
}
/// The server cannot be reached, or did not answer: trying again may help.
inline std::unexpected<Failure> unreachable(std::string message) {
  return std::unexpected(Failure{.code = {}, .message = std::move(message), .retryable = true});
}

/// `no such user: bob (not_found, field name)`.
std::string describe(const Failure& failure);

}  // namespace parley::client
