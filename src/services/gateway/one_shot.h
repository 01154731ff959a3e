#pragma once
#include <boost/asio.hpp>
#include <optional>

#include "api/auth.h"

namespace parley::gateway {

/// One value that a coroutine waits for and a callback of the same loop sets, once.
template <class T>
class OneShot {
 public:
  explicit OneShot(boost::asio::io_context& io)
      : timer_(io, boost::asio::steady_timer::time_point::max()) {}

  void set(T value) {
    value_ = std::move(value);
    timer_.cancel();
  }
  Awaitable<T> get() {
    if (!value_) co_await timer_.async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    co_return std::move(*value_);
  }

 private:
  boost::asio::steady_timer timer_;
  std::optional<T> value_;
};

}  // namespace parley::gateway
