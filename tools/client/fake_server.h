#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <deque>
#include <map>
#include <memory>
#include <parley/v1/frames.pb.h>
#include <parley/v1/rest.pb.h>
#include <set>
#include <string>
#include <vector>

#include "client/api.h"

namespace parley::client {

/// A small server for tests, in the test's own thread: one direct conversation's worth of truth,
/// and faults on demand. It keeps the protocol's promises itself (idempotent sends, dense seq), so
/// a test may check its log.
class FakeServer {
 public:
  explicit FakeServer(boost::asio::io_context& io);
  ~FakeServer();
  Endpoint endpoint() const;

  // The truth.
  std::vector<v1::Entry> log;  // of kConversation
  std::uint64_t head() const { return log.size(); }
  static constexpr char kConversation[] = "d:1:2";
  /// Somebody else's message: appended, and given to those connected unless held back.
  void post(const std::string& text, bool give = true);
  void give(const v1::Entry& entry);
  void give(const v1::ServerFrame& frame);

  // What clients did.
  std::vector<v1::Hello> hellos;
  std::vector<v1::Send> sends;
  std::vector<v1::Mark> acks;
  std::vector<v1::Read> reads;
  std::vector<v1::GetHistory> histories;
  std::vector<std::string> renewed;  // access tokens given in place
  int refreshes = 0;
  int refused_frames = 0;

  // Faults.
  int break_after_store =
      0;                    // so many sends are stored, and the connection breaks before the answer
  int fail_sends = 0;       // so many sends fail with a retryable error
  std::string refuse_text;  // a send of this text fails for good
  std::deque<std::pair<unsigned, std::string>> refusals;  // statuses and bodies for what comes next
  std::string refuse_frames;  // POSTs of frames get this code; "nothing": they get no answer
  bool hold_events = false;   // as by a proxy: streams open, and nothing comes by them
  std::set<std::string> good_tokens{"access-0"};
  std::int64_t access_lifetime_ms = 900'000;
  std::size_t backlog_limit = 200;

  std::size_t connected() const { return links_.size(); }
  void close_all(std::uint16_t code, const std::string& reason);
  void break_all();
  /// Stops listening; listens again at the same port.
  void go_down();
  void come_up();

 private:
  struct Link;
  Awaitable<void> accept();
  Awaitable<void> serve(boost::asio::ip::tcp::socket socket);
  Awaitable<void> serve_frames(std::shared_ptr<Link> link);
  Awaitable<void> serve_stream(boost::asio::ip::tcp::socket socket, v1::ClientFrame hello);
  unsigned take(const std::string& target, const std::string& body);
  bool is_good(const v1::Hello& hello) const;
  Awaitable<void> write_frames(std::shared_ptr<Link> link);
  Awaitable<boost::system::error_code> write(Link& link, std::vector<v1::ServerFrame> frames);
  std::string answer_http(const std::string& method, const std::string& target,
                          const std::string& token, const std::string& body, unsigned& status);
  void handle(Link& link, const v1::ClientFrame& frame);
  v1::Sent append(const v1::Send& send, bool& fresh);
  void backlog(Link& link, std::uint64_t re, const std::string& cursor);

  boost::asio::io_context& io_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  std::map<std::string, std::uint64_t> keys_;  // client_message_id -> seq
  std::vector<std::shared_ptr<Link>> links_;
  std::vector<boost::asio::ip::tcp::socket> unanswered_;
  std::uint64_t last_session_ = 0;
};

}  // namespace parley::client
