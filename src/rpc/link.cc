#include "rpc/link.h"

#include <boost/asio.hpp>
#include <fmt/format.h>
#include <future>

#include "base/log.h"

namespace parley::rpc {
using Now = std::chrono::steady_clock;
namespace {
constexpr std::chrono::seconds kConnectWithin{3};
}

Link::Link(Loops& loops, std::size_t home, Channel& channel, Settings settings)
    : loops_(loops),
      home_(home),
      channel_(channel),
      settings_(std::move(settings)),
      gate_(loops.at(home).get_executor(), "link"),
      pause_(settings_.first_pause),
      retry_(loops.at(home)),
      ticker_(loops.at(home)),
      more_(loops.at(home)),
      missing_(Missing{Now::now(), "not connected yet"}) {}

Link::~Link() = default;

void Link::start() {
  post([this] {
    connect();
    tick();
  });
}

void Link::hurry() {
  post([this] {
    if (!ended_ || stopping_ || retry_.cancel() == 0) return;
    pause_ = settings_.first_pause;
    connect();
  });
}

void Link::stop() {
  std::promise<void> ended;
  stop([&ended] { ended.set_value(); });
  ended.get_future().wait();
}

void Link::stop(std::function<void()> stopped) {
  post([this, stopped = std::move(stopped)] {
    stopping_ = true;
    retry_.cancel();
    ticker_.cancel();
    more_.cancel();
    stopped_ = [this, stopped] { gate_.close(stopped); };
    if (ended_) return on_ended(unavailable("the server is stopping"));
    stream_->cancel();
  });
}

std::optional<Link::Missing> Link::missing() const {
  const std::lock_guard lock(mutex_);
  return missing_;
}

bool Link::is_silent() const { return Now::now() - heard_.load() > settings_.silent_after; }

void Link::set_missing(std::string why) {
  const std::lock_guard lock(mutex_);
  if (!missing_) missing_ = Missing{Now::now(), {}};
  missing_->why = std::move(why);
}

void Link::connect() {
  if (stopping_) return;
  refused_.reset();
  ended_ = greeted_ = false;
  stream_ = FrameStream::connect(loops_.at(home_), channel_.address(), channel_.security(),
                                 {.on_frame = [this](v1::Frame& frame) { on_frame(frame); },
                                  .on_written =
                                      [this] {
                                        writing_ = false;
                                        flush();
                                      },
                                  .on_ended =
                                      [this](Error why) {
                                        stream_.reset();
                                        on_ended(std::move(why));
                                      }});
  v1::Frame hello;
  hello.mutable_hello()->set_version(settings_.version);
  hello.mutable_hello()->set_process(settings_.process);
  writing_ = true;
  asked_whether_there_ = Now::now();
  heard_ = asked_whether_there_;
  stream_->write(hello);
}

void Link::on_ended(Error why) {
  ended_ = true;
  if (refused_) why = *std::exchange(refused_, {});
  if (open_ && !stopping_)
    log::warn("rpc", "lost peer={} reason={}", channel_.address(), why.message);
  open_ = writing_ = false;
  // Whatever the reason: callers may come again.
  if (!describe(why.code).retryable) why = unavailable(why.message);
  set_missing(why.message);
  frame_.Clear();
  frame_bytes_ = frame_notices_ = 0;
  for (auto* user : users_) user->on_lost(why);
  if (stopping_) {
    if (auto stopped = std::exchange(stopped_, {})) stopped();
    return;
  }
  retry_.expires_after(pause_);
  pause_ = std::min(pause_ * 2, settings_.longest_pause);
  retry_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) connect();
  });
}

void Link::on_frame(v1::Frame& frame) {
  heard_ = Now::now();
  if (!greeted_) {
    greeted_ = true;
    if (frame.hello().version() != settings_.version) {
      refused_ =
          unavailable(fmt::format("the service at {} speaks version {} between processes, "
                                  "this one speaks {}: bring both to one release",
                                  channel_.address(), frame.hello().version(), settings_.version));
      log::error("rpc", "{}", refused_->message);
      return stream_->cancel();
    }
    return gate_.spawn([this, stream = stream_] { return open(stream); });
  }
  if (!open_) return;  // nothing was asked yet
  if (frame.ping() != 0) add_to_frame(0).set_pong(frame.ping());
  for (auto* user : users_) user->on_frame(frame);
}

Awaitable<void> Link::open(std::shared_ptr<FrameStream> stream) {
  const auto reached = co_await channel_.connect(kConnectWithin);
  if (stream_ != stream) co_return;
  if (!reached) {
    refused_ = reached.error();
    co_return stream->cancel();
  }
  open_ = true;
  pause_ = settings_.first_pause;
  log::info("rpc", "connected peer={}", channel_.address());
  {
    const std::lock_guard lock(mutex_);
    missing_.reset();
  }
  for (auto* user : users_) user->on_open(add_to_frame(0));
}

Result<void> Link::admit() const {
  if (!open_) {
    const auto why = missing();
    return std::unexpected(unavailable(why ? why->why : "not connected"));
  }
  if (is_silent())
    return std::unexpected(
        unavailable("the service at " + channel_.address() + " is too slow: try again"));
  if (unanswered_ >= settings_.unanswered || frame_bytes_ > settings_.queued_bytes)
    return std::unexpected(
        unavailable("too much is under way to " + channel_.address() + ": try again"));
  return {};
}

bool Link::has_room(bool dropped_first) const {
  const auto limit = dropped_first ? settings_.queued_notices / 8 : settings_.queued_notices;
  return open_ && frame_notices_ < limit && frame_bytes_ <= settings_.queued_bytes;
}

v1::Frame& Link::add_to_frame(std::size_t bytes) {
  frame_bytes_ += bytes;
  ++frame_notices_;
  if (!flushing_) {
    flushing_ = true;
    post([this] {
      flushing_ = false;
      flush();
    });
  }
  return frame_;
}

void Link::flush() {
  if (!open_ || !stream_ || writing_ || frame_notices_ == 0 || waits_for_more()) return;
  writing_ = true;
  written_ = Now::now();
  stream_->write(frame_);
  frame_.Clear();
  frame_bytes_ = frame_notices_ = 0;
}

bool Link::waits_for_more() {
  if (unanswered_ < settings_.several || frame_bytes_ > settings_.full) return false;
  const auto until = written_ + settings_.together;
  if (Now::now() >= until) return false;
  if (!std::exchange(waiting_, true)) {
    more_.expires_at(until);
    more_.async_wait([this](boost::system::error_code cancelled) {
      if (cancelled) return;
      waiting_ = false;
      flush();
    });
  }
  return true;
}

void Link::tick() {
  if (stopping_) return;
  for (auto* user : users_) user->on_tick();
  const auto now = Now::now();
  if (!ended_ && stream_) {
    if (now - heard_.load() > settings_.broken_after) {
      stream_->cancel();
    } else if (open_ && now - asked_whether_there_ >= settings_.silent_after / 3) {
      asked_whether_there_ = now;
      add_to_frame(0).set_ping(1);
    }
  }
  ticker_.expires_after(settings_.tick);
  ticker_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) tick();
  });
}

}  // namespace parley::rpc
