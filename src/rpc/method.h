#pragma once

namespace parley::rpc {
namespace v1 {
class Hello;
}

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
inline constexpr unsigned kVersion = 2;
/// Every server answers it: for who wants to know that calls get through.
inline constexpr Method<v1::Hello, v1::Hello> kConnect{"/parley.rpc.v1.Link/Connect"};

}  // namespace parley::rpc
