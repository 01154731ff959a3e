#pragma once
#include <boost/asio/any_io_executor.hpp>
#include <deque>
#include <functional>
#include <unordered_map>

#include "api/auth.h"

namespace parley::group {

/// One turn at a time for each group, in the order of asking. One loop.
class Lines {
 public:
  explicit Lines(boost::asio::any_io_executor executor) : executor_(std::move(executor)) {}

  /// The caller's turn; it ends with `give`. `unavailable`: the turn before has stalled.
  Awaitable<Result<void>> take(GroupId group);
  void give(GroupId group);
  /// The present turn lasts: who waits for the next one is refused, and who comes, until `give`.
  void stall(GroupId group);

 private:
  using Waiter = std::move_only_function<void(Result<void>)>;
  struct Line {
    bool stalled = false;
    std::deque<Waiter> waiting;
  };
  void answer(Waiter waiter, Result<void> result);

  boost::asio::any_io_executor executor_;
  std::unordered_map<GroupId, Line> lines_;  // of those groups in which somebody has the turn
};

}  // namespace parley::group
