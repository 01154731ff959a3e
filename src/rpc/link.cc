#include "rpc/link.h"

#include <boost/asio.hpp>
#include <fmt/format.h>
#include <future>

#include "base/log.h"

namespace parley::rpc {
using Now = std::chrono::steady_clock;

Link::Link(Loops& loops, std::size_t home, Channel& channel, Settings settings)
    : loops_(loops),
      home_(home),
      channel_(channel),
      settings_(std::move(settings)),
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
    channel_.hurry();
    connect();
  });
}

void Link::stop() {
  std::promise<void> ended;
  post([this, &ended] {
    stopping_ = true;
    retry_.cancel();
    ticker_.cancel();
    more_.cancel();
    if (ended_) {
      on_ended(unavailable("the server is stopping"));
      return ended.set_value();
    }
    stopped_ = [&ended] { ended.set_value(); };
    if (stream_) stream_->cancel();
  });
  ended.get_future().wait();
}

std::optional<Link::Missing> Link::missing() const {
  const std::lock_guard lock(mutex_);
  return missing_;
}

void Link::set_missing(std::string why) {
  const std::lock_guard lock(mutex_);
  if (!missing_) missing_ = Missing{Now::now(), {}};
  missing_->why = std::move(why);
}

void Link::connect() {
  if (stopping_) return;
  refused_.reset();
  ended_ = false;
  stream_ = channel_.open({
      .on_frame =
          [this](v1::Frame frame) {
            post([this, frame = std::move(frame)]() mutable { on_frame(std::move(frame)); });
          },
      .on_written =
          [this] {
            post([this] {
              writing_ = false;
              flush();
            });
          },
      .on_broken =
          [this] {
            post([this] {
              stream_->release();
              stream_ = nullptr;
            });
          },
      .on_ended =
          [this](Error why) {
            post([this, why = std::move(why)]() mutable { on_ended(std::move(why)); });
          },
  });
  if (!stream_) {
    ended_ = true;
    return;
  }
  v1::Frame hello;
  hello.mutable_hello()->set_version(settings_.version);
  hello.mutable_hello()->set_process(settings_.process);
  writing_ = true;
  heard_ = asked_whether_there_ = Now::now();
  stream_->write(hello);
}

void Link::on_ended(Error why) {
  ended_ = true;
  if (refused_) why = *std::exchange(refused_, {});
  if (open_) log::warn("rpc", "lost peer={} reason={}", channel_.address(), why.message);
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

void Link::on_frame(v1::Frame frame) {
  if (ended_) return;
  heard_ = Now::now();
  if (!open_) {
    if (frame.hello().version() != settings_.version) {
      refused_ =
          unavailable(fmt::format("the service at {} speaks version {} between processes, "
                                  "this one speaks {}: bring both to one release",
                                  channel_.address(), frame.hello().version(), settings_.version));
      log::error("rpc", "{}", refused_->message);
      if (stream_) stream_->cancel();
      return;
    }
    return opened();
  }
  if (frame.ping() != 0) add_to_frame(0).set_pong(frame.ping());
  for (auto* user : users_) user->on_frame(frame);
}

void Link::opened() {
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
  if (Now::now() - heard_ > settings_.silent_after)
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
    if (now - heard_ > settings_.broken_after) {
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
