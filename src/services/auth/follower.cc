#include "services/auth/follower.h"

#include <boost/asio.hpp>
#include <future>

#include "base/log.h"

namespace parley::auth {
namespace asio = boost::asio;

Follower::Follower(asio::thread_pool& pool, std::chrono::milliseconds pause, Look look)
    : pause_(pause),
      look_(std::move(look)),
      strand_(asio::make_strand(pool.get_executor())),
      timer_(strand_),
      gate_(strand_, "follower") {}

void Follower::start() {
  asio::post(strand_, [this] { gate_.spawn([this] { return run(); }); });
}

void Follower::stop() {
  std::promise<void> ended;
  asio::post(strand_, [this, &ended] {
    stopping_ = true;
    timer_.cancel();
    gate_.close([&ended] { ended.set_value(); });
  });
  ended.get_future().wait();
}

Awaitable<void> Follower::run() {
  bool failing = false;
  while (!stopping_) {
    const auto looked = look_();
    if (!looked && !failing)
      log::warn("auth", "event=not_following reason=\"{}\"", looked.error().message);
    if (looked && failing) log::info("auth", "event=following_again");
    failing = !looked;
    timer_.expires_after(pause_);
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

}  // namespace parley::auth
