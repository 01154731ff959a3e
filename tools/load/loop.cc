#include "loop.h"

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <system_error>
#include <unistd.h>

namespace parley::load {

Nanos now() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

Loop::Loop() : fd_(epoll_create1(EPOLL_CLOEXEC)), events_(1024) {
  if (fd_ < 0) throw std::system_error(errno, std::generic_category(), "epoll_create1");
}
Loop::~Loop() { close(fd_); }

void Loop::add(int fd, std::uint32_t events, Watched* watched) {
  epoll_event event{.events = events, .data = {.ptr = watched}};
  if (epoll_ctl(fd_, EPOLL_CTL_ADD, fd, &event) != 0)
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void Loop::change(int fd, std::uint32_t events, Watched* watched) {
  epoll_event event{.events = events, .data = {.ptr = watched}};
  if (epoll_ctl(fd_, EPOLL_CTL_MOD, fd, &event) != 0)
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void Loop::remove(int fd, Watched* watched) {
  epoll_ctl(fd_, EPOLL_CTL_DEL, fd, nullptr);
  for (std::size_t i = next_; i < waiting_; ++i)
    if (events_[i].data.ptr == watched) events_[i].data.ptr = nullptr;
  forget_turn_end(watched);
}

void Loop::forget_turn_end(const TurnEnd* what) {
  for (TurnEnd*& ending : ending_)
    if (ending == what) ending = nullptr;
}

void Loop::end_turn() {
  for (std::size_t i = 0; i < ending_.size(); ++i)
    if (TurnEnd* ending = ending_[i]) ending->turn_ends();
  ending_.clear();
}

void Loop::turn(Nanos deadline) {
  end_turn();  // what was asked for since the last one must not wait for an event
  const Nanos wait = std::max<Nanos>(deadline - now(), 0);
  const timespec timeout{.tv_sec = wait / 1'000'000'000, .tv_nsec = wait % 1'000'000'000};
  const int n =
      epoll_pwait2(fd_, events_.data(), static_cast<int>(events_.size()), &timeout, nullptr);
  waiting_ = n > 0 ? static_cast<std::size_t>(n) : 0;
  for (next_ = 0; next_ < waiting_;) {
    const epoll_event& event = events_[next_++];
    if (event.data.ptr != nullptr) static_cast<Watched*>(event.data.ptr)->ready(event.events);
  }
  waiting_ = 0;
  end_turn();
}

}  // namespace parley::load
