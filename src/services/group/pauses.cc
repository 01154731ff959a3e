#include "services/group/pauses.h"

#include <boost/asio.hpp>

namespace parley::group {
namespace asio = boost::asio;

Awaitable<void> Pauses::sleep(std::chrono::milliseconds how_long) {
  if (closed_) co_return;
  asio::steady_timer timer(io_, how_long);
  sleeping_.insert(&timer);
  co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
  sleeping_.erase(&timer);
}

void Pauses::close() {
  closed_ = true;
  for (auto* timer : sleeping_) timer->cancel();
}

}  // namespace parley::group
