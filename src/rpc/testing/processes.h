#pragma once
#include <boost/asio.hpp>
#include <future>
#include <gtest/gtest.h>

#include "rpc/pool.h"
#include "rpc/server.h"

namespace parley::rpc::testing {

inline constexpr std::chrono::seconds kPatience{30};

template <class F>
bool eventually(F condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

/// Runs `call()` on a loop and answers what it returns.
template <class F>
auto on_loop(Loops& loops, std::size_t loop, F call) {
  // Not handed to Asio itself, which makes a future of its own of such a task.
  auto task = std::make_shared<std::packaged_task<std::invoke_result_t<F>()>>(std::move(call));
  auto result = task->get_future();
  boost::asio::post(loops.at(loop), [task] { (*task)(); });
  return result.get();
}

/// Runs a coroutine on a loop and answers what it returns.
template <class T>
T await(Loops& loops, Awaitable<T> work) {
  return boost::asio::co_spawn(loops.at(0), std::move(work), boost::asio::use_future).get();
}

/// The serving process. The router is filled before `start`.
class Serving {
 public:
  explicit Serving(unsigned version = kVersion, SecurityPtr security = nullptr)
      : loops(2, 1), version_(version), security_(std::move(security)) {
    loops.start();
  }
  ~Serving() {
    stop();
    loops.stop();
  }
  void start() {
    auto opened = Server::open(loops, router, {{address_}, "the server", version_, security_});
    if (!opened) FAIL() << opened.error().message;
    server_ = std::move(*opened);
    address_ = server_->addresses().front();
  }
  void stop() {
    if (server_) server_->stop();
    server_.reset();
  }
  const std::string& address() const { return address_; }

  Loops loops;
  Router router;

 private:
  const unsigned version_;
  const SecurityPtr security_;
  std::string address_ = "127.0.0.1:0";  // the same one after a restart
  std::unique_ptr<Server> server_;
};

/// The asking process. Stubs are made before `start`.
class Asking {
 public:
  explicit Asking(const std::string& address, Link::Settings settings = quick(),
                  SecurityPtr security = nullptr)
      : loops(2, 1),
        channel({.address = address, .security = std::move(security)}),
        link(loops, 1, channel, settings),
        pool(loops, settings, {.address = {}, .security = channel.security()}) {
    loops.start();
  }
  ~Asking() {
    stop();
    loops.stop();
  }
  static Link::Settings quick() {
    Link::Settings settings;
    settings.process = "the client";
    settings.longest_pause = std::chrono::milliseconds(100);
    return settings;
  }
  void start() {
    started_ = true;
    link.start();
  }
  void start_and_connect() {
    start();
    ASSERT_TRUE(eventually([this] { return !link.missing(); }));
  }
  /// The pool, of processes at these addresses.
  void start_pool(const std::vector<std::string>& addresses) {
    pool.set(addresses);
    pool.start();
    ASSERT_TRUE(eventually([this] { return !pool.missing(); }));
  }
  void stop() {
    if (std::exchange(started_, false)) link.stop();
    channel.stop();
    pool.stop();
  }

  Loops loops;
  Channel channel;
  Link link;
  Pool pool;

 private:
  bool started_ = false;
};

}  // namespace parley::rpc::testing
