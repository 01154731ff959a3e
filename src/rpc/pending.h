#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <optional>

#include "rpc/link.h"

namespace parley::rpc {

/// What a stub has asked over a link and what it needs to answer its callers, by token. On the
/// link's loop.
template <class T>
class Pending {
 public:
  Pending(Link& link, std::chrono::milliseconds within) : link_(link), within_(within) {}

  std::uint64_t add(T asked) {
    const auto token = link_.next_token();
    open_.emplace(token, std::move(asked));
    by_time_.emplace_back(std::chrono::steady_clock::now() + within_, token);
    link_.asked();
    return token;
  }
  /// Nothing if it was answered before, for instance by a time-out.
  std::optional<T> take(std::uint64_t token) {
    const auto at = open_.find(token);
    if (at == open_.end()) return {};
    std::optional<T> out(std::move(at->second));
    open_.erase(at);
    link_.answered();
    return out;
  }
  /// `answer(T)` for each one that has waited too long.
  template <class F>
  void expire(F answer) {
    const auto now = std::chrono::steady_clock::now();
    while (!by_time_.empty() && (by_time_.front().first <= now || open_.empty())) {
      const auto token = by_time_.front().second;
      by_time_.pop_front();
      if (auto asked = take(token)) answer(std::move(*asked));
    }
  }
  /// `answer(T)` for every one, in the order in which they were asked.
  template <class F>
  void end(F answer) {
    for (const auto& [when, token] : std::exchange(by_time_, {}))
      if (auto asked = take(token)) answer(std::move(*asked));
  }

 private:
  Link& link_;
  const std::chrono::milliseconds within_;
  boost::unordered_flat_map<std::uint64_t, T> open_;
  std::deque<std::pair<std::chrono::steady_clock::time_point, std::uint64_t>> by_time_;
};

}  // namespace parley::rpc
