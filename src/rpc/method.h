#pragma once

namespace parley::rpc {

/// A call of proto/parley/rpc/v1 with the messages that it takes and gives: what the client calls
/// and what the server registers, so that the two cannot differ.
template <class Request_, class Answer_>
struct Method {
  using Request = Request_;
  using Answer = Answer_;
  const char* path;
};

/// Of both sides' first frame and of every call. A peer of another version is refused, and its
/// callers get `unavailable` until it speaks this one.
inline constexpr unsigned kVersion = 1;
inline constexpr const char* kStreamPath = "/parley.rpc.v1.Link/Open";

}  // namespace parley::rpc
