#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <string>

namespace parley {

/// Counts the coroutines that run for an owner, so that the owner can end after them. One
/// executor's thread only. `spawn` after `close` does nothing. An exception that leaves a coroutine
/// is a broken invariant: the process ends.
class Gate {
 public:
  Gate(boost::asio::any_io_executor executor, std::string name);
  ~Gate();
  Gate(const Gate&) = delete;

  /// Starts `work` on the gate's executor. The callable is kept until the coroutine has ended.
  void spawn(std::function<boost::asio::awaitable<void>()> work);

  /// Lets nothing more in; `drained` runs (posted) when the last one has ended.
  void close(std::function<void()> drained);

  std::size_t running() const { return running_; }

 private:
  void leave();

  boost::asio::any_io_executor executor_;
  std::string name_;
  std::size_t running_ = 0;
  bool closed_ = false;
  std::function<void()> drained_;
};

}  // namespace parley
