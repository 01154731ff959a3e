#include "cli/desk/jobs.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/system/system_error.hpp>

namespace parley::cli::desk {
namespace asio = boost::asio;

void Jobs::start(Awaitable<void> job) {
  if (finishing_) return;
  const auto signal = running_.emplace(running_.end());
  asio::co_spawn(
      io_, std::move(job),
      asio::bind_cancellation_slot(signal->slot(), [this, signal](std::exception_ptr thrown) {
        running_.erase(signal);
        ended_.cancel();
        if (!thrown) return;
        try {
          std::rethrow_exception(thrown);
        } catch (const boost::system::system_error& error) {
          // A cancelled coroutine ends so.
          if (!finishing_ || error.code() != asio::error::operation_aborted) throw;
        }
      }));
}

Awaitable<void> Jobs::finish() {
  finishing_ = true;
  // A job may end, and be erased, within its own cancellation: not while the list is walked.
  for (auto& signal : running_)
    asio::post(io_, [this, &signal] {
      for (auto& running : running_)
        if (&running == &signal) return running.emit(asio::cancellation_type::terminal);
    });
  while (!running_.empty()) {
    ended_.expires_after(std::chrono::hours(1));
    co_await ended_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

}  // namespace parley::cli::desk
