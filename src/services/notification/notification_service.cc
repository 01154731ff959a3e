#include "services/notification/notification_service.h"

#include <algorithm>
#include <boost/asio.hpp>

#include "base/check.h"
#include "base/log.h"

namespace parley::notification {
namespace {
constexpr std::uint32_t kRetryMs = 1'000;
}

NotificationService::NotificationService(PushSink& sink, Loops& loops,
                                         NotificationSettings settings)
    : sink_(sink), loops_(loops), settings_(settings), timer_(loops.at(0)) {}

void NotificationService::notify(std::vector<Push> pushes,
                                 std::move_only_function<void(Result<void>)> done) {
  const std::size_t loop = loops_.current();
  PARLEY_CHECK(loop < loops_.size(), "notify is called on a loop, which gets the answer");
  Waiting call{std::move(pushes), std::move(done), loop};
  const std::size_t count = call.pushes.size();

  std::unique_lock lock(mutex_);
  if (count == 0 || stopped_ || (held_ > 0 && held_ + count > settings_.queue)) {
    const bool stopped = stopped_;
    lock.unlock();
    if (count == 0) return answer(std::move(call), {});
    if (stopped)
      return answer(std::move(call),
                    fail_for(Code::unavailable, "the server is stopping", kRetryMs));
    return answer(std::move(call),
                  fail_for(Code::busy, "too many pushes wait to be stored", kRetryMs));
  }
  held_ += count;
  waiting_.push_back(std::move(call));
  if (!writing_) start_write();
}

void NotificationService::start_write() {
  writing_ = true;
  calls_.clear();
  batch_.clear();
  pause_ = settings_.first_pause;
  paused_ = {};
  std::size_t taken = 0;
  while (taken < waiting_.size() &&
         (taken == 0 || batch_.size() + waiting_[taken].pushes.size() <= settings_.batch)) {
    std::ranges::move(waiting_[taken].pushes, std::back_inserter(batch_));
    calls_.push_back(std::move(waiting_[taken]));
    ++taken;
  }
  waiting_.erase(waiting_.begin(), waiting_.begin() + static_cast<std::ptrdiff_t>(taken));
  boost::asio::post(loops_.pool(), [this] { write(); });
}

void NotificationService::write() {
  const auto result = sink_.record(batch_);
  const bool again = !result && describe(result.error().code).retryable &&
                     paused_ < settings_.give_up_after && !stopped();
  if (again) {
    log::warn("notification", "retrying pushes={} error={}", batch_.size(), result.error().message);
    return write_again_after_pause();
  }
  if (!result)
    log::error("notification", "failed pushes={} error={}", batch_.size(), result.error().message);
  finish(result);
}

void NotificationService::write_again_after_pause() {
  boost::asio::post(loops_.at(0), [this] {
    const auto again = [this](boost::system::error_code) {
      boost::asio::post(loops_.pool(), [this] { write(); });
    };
    if (stopped()) return again({});
    timer_.expires_after(pause_);
    timer_.async_wait(again);
    paused_ += pause_;
    pause_ = std::min(pause_ * 2, settings_.longest_pause);
  });
}

void NotificationService::finish(const Result<void>& result) {
  std::vector<Waiting> answered;
  {
    const std::lock_guard lock(mutex_);
    held_ -= batch_.size();
    answered = std::move(calls_);
    writing_ = false;
    if (!waiting_.empty()) start_write();
  }
  for (auto& call : answered) answer(std::move(call), result);
}

void NotificationService::answer(Waiting waiting, Result<void> result) {
  boost::asio::post(loops_.at(waiting.loop),
                    [done = std::move(waiting.done), result = std::move(result)]() mutable {
                      done(std::move(result));
                    });
}

bool NotificationService::stopped() {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

void NotificationService::stop() {
  std::vector<Waiting> refused;
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    refused = std::move(waiting_);
    waiting_.clear();
    for (const auto& call : refused) held_ -= call.pushes.size();
  }
  for (auto& call : refused)
    answer(std::move(call), fail_for(Code::unavailable, "the server is stopping", kRetryMs));
  boost::asio::post(loops_.at(0), [this] { timer_.cancel(); });
}

}  // namespace parley::notification
