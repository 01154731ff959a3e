#include "services/group/lines.h"

#include <boost/asio.hpp>

#include "base/check.h"

namespace parley::group {
namespace asio = boost::asio;
namespace {

std::unexpected<Error> stalled() {
  return fail_for(Code::unavailable,
                  "an earlier change of the group is not in its conversation yet: try again",
                  1'000);
}

}  // namespace

Awaitable<Result<void>> Lines::take(GroupId group) {
  const auto [line, first] = lines_.try_emplace(group);
  if (first) co_return Result<void>{};
  if (line->second.stalled) co_return stalled();
  co_return co_await asio::async_initiate<const asio::use_awaitable_t<>, void(Result<void>)>(
      [](auto handler, Line* mine) { mine->waiting.emplace_back(std::move(handler)); },
      asio::use_awaitable, &line->second);
}

void Lines::give(GroupId group) {
  const auto line = lines_.find(group);
  PARLEY_CHECK(line != lines_.end(), "a turn that nobody has is given back");
  line->second.stalled = false;
  if (line->second.waiting.empty()) {
    lines_.erase(line);
    return;
  }
  Waiter next = std::move(line->second.waiting.front());
  line->second.waiting.pop_front();
  answer(std::move(next), {});
}

void Lines::stall(GroupId group) {
  auto& line = lines_.at(group);
  line.stalled = true;
  for (auto& waiter : std::exchange(line.waiting, {})) answer(std::move(waiter), stalled());
}

void Lines::answer(Waiter waiter, Result<void> result) {
  asio::post(executor_, [waiter = std::move(waiter), result = std::move(result)]() mutable {
    waiter(std::move(result));
  });
}

}  // namespace parley::group
