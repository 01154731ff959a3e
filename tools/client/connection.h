#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <functional>
#include <string>

#include "client/api.h"
#include "client/session.h"

namespace parley::client {

struct End;

/// What a person is told of the connection.
struct LinkState {
  bool online = false;
  std::string why;                     // while offline
  std::chrono::milliseconds retry{0};  // while offline: when the next try is
};

/// Keeps a session connected: connects, moves frames, refreshes the access token in place, and
/// comes back by itself after anything that the protocol lets it come back from, with jittered
/// back-off. One thread: that of the executor.
class Connection {
 public:
  /// All are used until the end of run().
  Connection(boost::asio::any_io_executor executor, Api& api, Session& session,
             std::function<void(const LinkState&)> on_link);

  /// Until stop(), or until coming back is of no use: then why.
  Awaitable<Outcome<void>> run();
  /// The session has frames to send.
  void wake() { wake_.cancel(); }
  /// run() returns soon; what is there to be sent has 2 s.
  void stop();

 private:
  struct Link;
  Awaitable<End> connect_once();
  void received(Link& link, const std::vector<v1::ServerFrame>& frames);
  Awaitable<void> read_frames(Link& link);
  Awaitable<void> write_frames(Link& link);
  Awaitable<void> renew_credentials(End& end);

  Api& api_;
  Session& session_;
  std::function<void(const LinkState&)> on_link_;
  boost::asio::steady_timer wake_;
  boost::asio::steady_timer goodbye_;
  Link* link_ = nullptr;
  bool stopped_ = false;
  std::optional<Time> online_since_;  // of this try
  bool worked_ = false;               // something was sent after welcome
  std::string tried_token_;
};

}  // namespace parley::client
