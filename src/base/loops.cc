#include "base/loops.h"

#include <boost/asio.hpp>
#include <string>

#include "base/thread.h"

namespace parley {
namespace {
thread_local const Loops* t_loops = nullptr;
thread_local std::size_t t_index = 0;
}  // namespace

Loops::Loops(std::size_t count, std::size_t pool_threads) : pool_(pool_threads) {
  for (std::size_t i = 0; i < count; ++i) {
    loops_.push_back(std::make_unique<boost::asio::io_context>(1));
    work_.push_back(boost::asio::make_work_guard(*loops_.back()));
  }
}

Loops::~Loops() { stop(); }

void Loops::start() {
  for (std::size_t i = 0; i < loops_.size(); ++i) {
    threads_.emplace_back([this, i] {
      t_loops = this;
      t_index = i;
      name_thread(("loop-" + std::to_string(i)).c_str());
      loops_[i]->run();
    });
  }
}

void Loops::stop() {
  work_.clear();
  // Listeners and timers never run out of work by themselves.
  for (auto& loop : loops_) boost::asio::post(*loop, [&io = *loop] { io.stop(); });
  for (auto& thread : threads_) thread.join();
  threads_.clear();
  pool_.join();
}

std::size_t Loops::current() const { return t_loops == this ? t_index : loops_.size(); }

}  // namespace parley
