#pragma once
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cstddef>
#include <memory>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

namespace parley {

/// The event loops of the process, one thread each, and the pool for work that blocks.
class Loops {
 public:
  explicit Loops(std::size_t count, std::size_t pool_threads);
  ~Loops();
  Loops(const Loops&) = delete;

  void start();
  /// Ends the loops after what is queued, then the pool, and joins. Not from a loop's thread.
  void stop();

  std::size_t size() const { return loops_.size(); }
  boost::asio::io_context& at(std::size_t i) { return *loops_[i]; }
  boost::asio::thread_pool& pool() { return pool_; }
  /// The index of the loop that runs this thread, or size() on a foreign thread.
  std::size_t current() const;
  /// Runs `call` at once if this thread is that loop's, else posts it there.
  template <class F>
  void run_on(std::size_t i, F&& call) {
    if (current() == i)
      std::forward<F>(call)();
    else
      boost::asio::post(*loops_[i], std::forward<F>(call));
  }

 private:
  std::vector<std::unique_ptr<boost::asio::io_context>> loops_;
  std::vector<boost::asio::executor_work_guard<boost::asio::io_context::executor_type>> work_;
  std::vector<std::thread> threads_;
  boost::asio::thread_pool pool_;
};

/// Runs `call` on the pool and resumes the awaiting coroutine on its own executor with what it
/// returned.
template <class F>
boost::asio::awaitable<std::invoke_result_t<F>> run_blocking(boost::asio::thread_pool& pool,
                                                             F call) {
  co_return co_await boost::asio::co_spawn(
      pool,
      [](F run) -> boost::asio::awaitable<std::invoke_result_t<F>> {
        co_return run();
      }(std::move(call)),
      boost::asio::use_awaitable);
}

/// Calls `begin(done)`, and resumes the awaiting coroutine on its own executor with what `done` is
/// given, once, on any thread, perhaps before `begin` returns.
template <class T, class F>
boost::asio::awaitable<T> await_call(F begin) {
  const auto executor = co_await boost::asio::this_coro::executor;
  const auto initiate = [executor](auto handler, F call) {
    call([executor, handler = std::move(handler)](T value) mutable {
      boost::asio::post(executor,
                        [handler = std::move(handler), value = std::move(value)]() mutable {
                          handler(std::move(value));
                        });
    });
  };
  co_return co_await boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(T)>(
      initiate, boost::asio::use_awaitable, std::move(begin));
}

}  // namespace parley
