#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "parley/v1/frames.pb.h"
#include "parley/v1/rest.pb.h"

namespace parley::testing {

/// An HTTP answer; `body` as sent.
struct Http {
  unsigned status = 0;
  std::string body;
};
Http http(std::uint16_t port, const std::string& method, const std::string& target,
          const std::string& body = "", const std::string& token = "");

/// POSTs `request` as JSON and parses the answer; fails the running test unless the status is 200
/// or 201.
v1::Tokens sign_up(std::uint16_t port, const std::string& name);
v1::Tokens sign_in(std::uint16_t port, const std::string& name);

/// A client that knows the public protocol alone: by a WebSocket on either subprotocol, or by event
/// stream and POST. Blocking, every wait at most 60 s.
class Client {
 public:
  enum class Wire { pb, json, http };
  static std::string name(Wire wire);

  Client(std::uint16_t port, Wire wire);
  ~Client();

  /// Sends frames as one message. By HTTP the first is hello, which opens the stream; of frames
  /// that are refused as a whole, the error is the next frame without `re`.
  void send(const std::vector<v1::ClientFrame>& frames);
  void send_raw(bool binary, const std::string& payload);

  /// The next frame, kept ones first; nothing when the connection has ended.
  std::optional<v1::ServerFrame> next();
  /// The next frame that fits; the others stay for later calls.
  std::optional<v1::ServerFrame> next(const std::function<bool(const v1::ServerFrame&)>& fits);
  /// The close code, after reading to the end.
  unsigned close_code();

  /// hello with a token (or ticket); the frames up to backlog_end, which are also kept in
  /// `backlog`.
  v1::Welcome hello(const std::string& token, const std::string& cursor = "",
                    bool is_ticket = false);
  std::vector<v1::ServerFrame> backlog;
  std::string cursor;

  /// Sends a text and waits for the answer.
  v1::ServerFrame say(const std::string& conversation, const std::string& key,
                      const std::string& text);
  v1::ServerFrame request(v1::ClientFrame frame);
  v1::Entry next_entry();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  Wire wire_;
  std::uint64_t last_id_ = 0;
};

std::string direct(std::uint64_t a, std::uint64_t b);

/// A user name of the running test alone, so that tests can share a server: the same one each time.
std::string own_name(const std::string& name);

}  // namespace parley::testing
