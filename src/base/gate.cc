#include "base/gate.h"

#include <boost/asio.hpp>
#include <memory>

#include "base/check.h"

namespace parley {
namespace asio = boost::asio;

Gate::Gate(asio::any_io_executor executor, std::string name)
    : executor_(std::move(executor)), name_(std::move(name)) {}

Gate::~Gate() {
  PARLEY_CHECK(running_ == 0, "gate '" + name_ + "' ends while work runs behind it");
}

void Gate::spawn(std::function<asio::awaitable<void>()> work) {
  if (closed_) return;
  ++running_;
  auto kept = std::make_shared<std::function<asio::awaitable<void>()>>(std::move(work));
  asio::co_spawn(executor_, (*kept)(), [this, kept](std::exception_ptr failure) {
    if (failure) {
      try {
        std::rethrow_exception(failure);
      } catch (const std::exception& e) {
        PARLEY_CHECK(false, "exception left '" + name_ + "': " + e.what());
      }
    }
    leave();
  });
}

void Gate::close(std::function<void()> drained) {
  closed_ = true;
  drained_ = std::move(drained);
  if (running_ == 0 && drained_) asio::post(executor_, std::exchange(drained_, nullptr));
}

void Gate::leave() {
  if (--running_ == 0 && closed_ && drained_)
    asio::post(executor_, std::exchange(drained_, nullptr));
}

}  // namespace parley
