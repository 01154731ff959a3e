#pragma once
#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include "base/gate.h"
#include "base/loops.h"
#include "parley/rpc/v1/link.pb.h"
#include "rpc/channel.h"
#include "rpc/frame_stream.h"

namespace parley::rpc {

/// A client stub's part of a link. On the link's loop.
class LinkUser {
 public:
  virtual ~LinkUser() = default;
  /// The other side is there (again): what it must know of old goes into `first`.
  virtual void on_open(v1::Frame& first) { (void)first; }
  /// Takes its answers out of what came.
  virtual void on_frame(v1::Frame& frame) { (void)frame; }
  /// Answers everything under way with this.
  virtual void on_lost(const Error& why) { (void)why; }
  /// Some times a second: answers what has waited for too long.
  virtual void on_tick() {}
};

/// The stream to one other process, for all stubs that speak to it: made again, with growing
/// pauses, whenever it breaks. Collects what the stubs ask in a loop turn into one frame, and has
/// one frame on its way at a time, so that batches grow under load. What a frame costs is decided
/// by there being one, not by what is in it: while several requests are unanswered, the next frame
/// follows the one before after `together` at the earliest; a lone one goes at once. Lives on one
/// loop, where all of it but `start`, `hurry`, `stop`, `missing` and `is_silent` is to be called.
/// Nothing is durable or repeated here: whoever asked is told.
class Link {
 public:
  struct Settings {
    std::string process;             // what this one calls itself, for the other's log
    std::size_t unanswered = 8'192;  // beyond: `unavailable` at once
    std::size_t queued_bytes = 16 << 20;
    std::size_t queued_notices = 8'192;  // of those without an answer; beyond, they are dropped
    std::size_t several = 4;             // unanswered requests: from here on frames wait for more
    std::chrono::microseconds together{350};
    std::size_t full = 64 << 10;  // bytes of a frame that waits for no more
    std::chrono::milliseconds tick{250};
    std::chrono::milliseconds silent_after{3'000};   // nothing heard: `unavailable` at once
    std::chrono::milliseconds broken_after{10'000};  // the stream is made again
    std::chrono::milliseconds first_pause{50}, longest_pause{2'000};
    unsigned version = kVersion;
  };
  Link(Loops& loops, std::size_t home, Channel& channel, Settings settings);
  ~Link();

  /// Before `start`.
  void add(LinkUser& user) { users_.push_back(&user); }
  /// Before those that were added: it hears of everything first.
  void add_first(LinkUser& user) { users_.insert(users_.begin(), &user); }
  /// The loops may run, or not yet.
  void start();
  /// The other side has come (back): connects now, if it waits to try again. Any thread.
  void hurry();
  /// Blocks until the stream has ended; everything under way was answered. The loops still run.
  void stop();
  /// The same, without blocking: calls back on the loop.
  void stop(std::function<void()> stopped);

  /// Since when the other side has not been there, and why; nothing: it is. Any thread.
  struct Missing {
    std::chrono::steady_clock::time_point since;
    std::string why;
  };
  std::optional<Missing> missing() const;
  /// Nothing was heard of the other side for `silent_after`. Any thread.
  bool is_silent() const;

  Channel& channel() { return channel_; }
  Loops& loops() { return loops_; }
  std::size_t home() const { return home_; }
  /// Runs `call` on the link's loop; never at once, so that calls of several loops keep the order
  /// in which they were made.
  template <class F>
  void post(F call) {
    boost::asio::post(loops_.at(home_), std::move(call));
  }

  bool is_open() const { return open_; }
  /// Whether one more request may be asked; the error says when to come again.
  Result<void> admit() const;
  /// Whether notices (which have no answer) may be added, or are to be dropped.
  bool has_room(bool dropped_first) const;
  /// The frame that is being collected; it is written at the end of the turn. `bytes`: about what
  /// is added.
  v1::Frame& add_to_frame(std::size_t bytes);

  std::uint64_t next_token() { return ++last_token_; }
  void asked() { ++unanswered_; }
  void answered(std::size_t count = 1) { unanswered_ -= count; }

 private:
  void connect();
  void on_frame(v1::Frame& frame);
  void on_ended(Error why);
  /// Both ways stand, the stream and that of single calls: it is open.
  Awaitable<void> open(std::shared_ptr<FrameStream> stream);
  void flush();
  /// Whether the frame waits for more; it is written when that is over.
  bool waits_for_more();
  void tick();
  void set_missing(std::string why);

  Loops& loops_;
  const std::size_t home_;
  Channel& channel_;
  const Settings settings_;
  std::vector<LinkUser*> users_;

  std::shared_ptr<FrameStream> stream_;
  Gate gate_;
  bool ended_ = true;  // no call is under way
  bool greeted_ = false, open_ = false, writing_ = false, flushing_ = false, waiting_ = false,
       stopping_ = false;
  std::function<void()> stopped_;
  v1::Frame frame_;
  std::size_t frame_bytes_ = 0, frame_notices_ = 0;
  std::uint64_t last_token_ = 0;
  std::size_t unanswered_ = 0;
  std::atomic<std::chrono::steady_clock::time_point> heard_{};
  std::chrono::steady_clock::time_point asked_whether_there_{}, written_{};
  std::chrono::milliseconds pause_{};
  std::optional<Error> refused_;  // why the stream was not kept
  boost::asio::steady_timer retry_, ticker_, more_;

  mutable std::mutex mutex_;  // of missing_ alone
  std::optional<Missing> missing_;
};

}  // namespace parley::rpc
