#include "services/discovery/registration.h"

#include "base/log.h"
#include "base/thread.h"
#include "services/discovery/listing.h"

namespace parley::discovery {
namespace {

constexpr std::chrono::milliseconds kAfterFailure{500};

}  // namespace

Registration::Registration(Membership& membership, Settings settings, std::function<Now()> now)
    : membership_(membership), settings_(std::move(settings)), now_(std::move(now)) {
  thread_ = std::thread([this] {
    name_thread("registration");
    run();
  });
}

Registration::~Registration() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

bool Registration::drain(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  draining_ = true;
  wake_.notify_all();
  return wake_.wait_for(lock, patience, [this] { return listed_draining_; });
}

bool Registration::is_news(const GatewayRow& row) const {
  if (!listed_ || row.ready != listed_->ready || row.draining != listed_->draining) return true;
  const auto more = row.load > listed_->load ? row.load - listed_->load : listed_->load - row.load;
  // Full, or no more: to be known however small the step.
  return (row.load >= row.capacity) != (listed_->load >= listed_->capacity) ||
         (more != 0 && static_cast<double>(more) >= kEnough * static_cast<double>(row.capacity));
}

void Registration::run() {
  std::string told;
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    const bool draining = draining_;
    auto pause = settings_.look_every;
    lock.unlock();
    auto row = settings_.row;
    const auto now = now_();
    row.load = now.load;
    row.ready = now.ready;
    row.draining = draining;
    if (is_news(row)) {
      const auto joined =
          membership_.join({kGatewayKind, settings_.id, settings_.address, to_attributes(row)});
      if (joined) listed_ = row;
      if (!joined) pause = std::min(pause, kAfterFailure);
      const auto why = joined ? "" : joined.error().message;
      if (std::exchange(told, why) != why && !joined)
        log::warn("discovery", "event=not_listed gateway={} reason=\"{}\"", settings_.id, why);
    }
    lock.lock();
    if (listed_ && listed_->draining && !std::exchange(listed_draining_, true)) wake_.notify_all();
    wake_.wait_for(lock, pause, [&] { return stopping_ || draining_ != draining; });
  }
}

}  // namespace parley::discovery
