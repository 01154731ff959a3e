#pragma once
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <deque>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <string>

#include "adapters/shared/redis/connection.h"
#include "adapters/shared/redis/reply.h"
#include "base/loops.h"
#include "base/metrics.h"

namespace parley::redis {

struct Settings {
  std::string host;  // numeric
  std::uint16_t port = 6379;
  std::string user, password;  // without a password: no AUTH
  unsigned database = 0;
  std::chrono::milliseconds timeout{1'000};  // of one command, and of making a connection
  std::chrono::milliseconds first_pause{50}, longest_pause{2'000};  // between attempts
  std::size_t most_under_way = 8'192;  // commands; beyond, `unavailable` at once
  Histogram* took = nullptr;           // what commands take, where that is to be known
};

/// A Lua script that the client has loaded into the server.
struct Script {
  std::size_t index;
};

/// Commands to one Redis, pipelined over one connection that is made again whenever it breaks.
/// Lives on one loop: all but `missing` and `start` is called there, and answers come there.
/// Destroyed after the loops have stopped; what is under way then is never answered.
///
/// Commands take effect in the order of the calls. A failed one may have taken effect or not:
/// `unavailable` (the connection broke or there is none; says when to come again), `timed_out` (no
/// answer in time: the connection is dropped with all that is under way), `storage_full` (Redis is
/// out of memory) and `internal` (it refused the command). Nothing is repeated here, but for
/// scripts that the server forgot, which had no effect.
class Client final : private Connection::Owner {
 public:
  /// Called once, perhaps before the call that it answers returns.
  using Answer = std::move_only_function<void(Result<Reply>)>;
  using Arguments = std::initializer_list<std::string_view>;

  Client(Loops& loops, std::size_t loop, Settings settings);
  ~Client();
  Client(const Client&) = delete;

  /// Before `start`. Scripts may build the names of keys, so they need all keys on one server.
  Script add(std::string text);
  /// Before `start`: called whenever the server can be asked (again), before anything else is.
  void on_open(std::function<void()> call) { on_open_ = std::move(call); }
  /// Any thread.
  void start();

  void command(std::span<const std::string_view> words, Answer answer);
  void command(Arguments words, Answer answer) {
    command(std::span(words.begin(), words.size()), std::move(answer));
  }
  /// `words` are the script's ARGV; it gets no KEYS.
  void run(Script script, std::span<const std::string_view> words, Answer answer);

  /// Since when the server cannot be asked, and why; nothing: it can. Any thread.
  struct Missing {
    std::chrono::steady_clock::time_point since;
    std::string why;
  };
  std::optional<Missing> missing() const;
  std::string address() const;

  Loops& loops() { return loops_; }
  std::size_t loop() const { return loop_; }

 private:
  using Time = std::chrono::steady_clock::time_point;
  struct Asked {
    Answer answer;
    Time until;
    std::string command;  // of a script: to be said again if the server has forgotten it
  };
  struct Loaded {
    std::string text, sha;
  };

  void on_reply(const redisReply& reply) override;
  void on_end(const std::string& why) override;
  void connect();
  void greet();
  void greeted();
  void connect_later();
  void send(std::string command, Answer answer, bool again);
  void greeting(Arguments words, std::move_only_function<void(Reply)> then = [](Reply) {});
  void ask(std::string_view command, Asked asked);
  void load_again();
  void watch_deadline();
  void drop(const std::string& why);
  Error down() const;
  void set_missing(const std::string& why);

  Loops& loops_;
  const std::size_t loop_;
  const Settings settings_;
  std::function<void()> on_open_ = [] {};
  std::vector<Loaded> scripts_;

  std::shared_ptr<Connection> connection_;
  bool open_ = false;            // the server has answered the greeting
  std::deque<Asked> under_way_;  // in the order of their answers
  // From the answer that the scripts are forgotten until all that was under way is answered,
  // nothing is sent, so that the order stays.
  bool reloading_ = false;
  std::deque<Asked> forgotten_, held_;

  std::chrono::milliseconds pause_;
  boost::asio::steady_timer pause_timer_, deadline_timer_;
  bool watches_deadline_ = false;
  std::minstd_rand random_;

  mutable std::mutex mutex_;
  std::optional<Missing> missing_;
};

}  // namespace parley::redis
