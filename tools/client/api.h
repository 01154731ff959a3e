#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <google/protobuf/message.h>
#include <parley/v1/rest.pb.h>
#include <string>

#include "client/account.h"
#include "client/endpoint.h"
#include "client/failure.h"

namespace parley::client {

template <class T>
using Awaitable = boost::asio::awaitable<T>;

/// One HTTP request with a JSON body, on a connection of its own, within 20 s. An answer of another
/// class than 2xx is a failure that carries the server's words. `body` may be null: none. Runs on
/// the caller's executor.
struct HttpCall {
  std::string method;  // GET, POST, PATCH, DELETE
  std::string target;  // "/v1/me"
  const google::protobuf::Message* body = nullptr;
  std::string json = {};  // instead of a body
  std::string access_token = {};
};
Awaitable<Outcome<void>> http_call(Endpoint server, HttpCall call,
                                   google::protobuf::Message* answer);

/// Whether a status alone, without Parley's body, asks to come again later.
inline bool asks_for_later(unsigned status) {
  return status == 408 || status == 429 || status >= 500;
}
/// What an answer of another class than 2xx says.
Failure to_failure(const Endpoint& server, unsigned status, const std::string& body);

/// Percent-encodes what is not unreserved in a URL (RFC 3986, section 2.3).
std::string url_escape(std::string_view text);

/// The server's REST interface for one account. Refreshes the access token by itself: before it
/// expires, and once more when the server says so. One thread.
class Api {
 public:
  Api(Endpoint server, Account& account) : server_(std::move(server)), account_(account) {}

  const Endpoint& server() const { return server_; }
  Account& account() { return account_; }

  /// `call.body` must live until the answer is there.
  template <class Answer>
  Awaitable<Outcome<Answer>> call(std::string method, std::string target,
                                  const google::protobuf::Message* body = nullptr) {
    Answer answer;
    auto done = co_await call_into(std::move(method), std::move(target), body, &answer);
    if (!done) co_return std::unexpected(std::move(done.error()));
    co_return answer;
  }

  /// An access token good for at least another 30 s.
  Awaitable<Outcome<std::string>> access_token();
  /// Replaces `refused`, unless another process has done so.
  Awaitable<Outcome<std::string>> refresh(std::string refused);
  /// When access_token() is to be asked again, in milliseconds since 1970.
  std::int64_t refresh_at_ms() const;

 private:
  Awaitable<Outcome<void>> call_into(std::string method, std::string target,
                                     const google::protobuf::Message* body,
                                     google::protobuf::Message* answer);

  Endpoint server_;
  Account& account_;
};

/// Milliseconds since 1970.
std::int64_t wall_ms();

}  // namespace parley::client
