#pragma once
#include "base/loops.h"
#include "services/message/conversation_state.h"

namespace parley::message {

/// Answers of one turn, by whom they go to; given when this ends.
class Answers {
 public:
  explicit Answers(Loops& loops) : loops_(loops) {}
  Answers(const Answers&) = delete;
  ~Answers() {
    for (auto& [route, batch] : by_route_) {
      loops_.run_on(route.loop, [listener = route.listener, batch = std::move(batch)]() mutable {
        if (!batch.sent.empty()) listener->on_sent(std::move(batch.sent));
        if (!batch.marked.empty()) listener->on_marked(std::move(batch.marked));
      });
    }
  }
  void sent(const Route& route, std::uint64_t token, Result<Head> outcome) {
    of(route).sent.push_back({token, std::move(outcome)});
  }
  void marked(const Route& route, std::uint64_t token, Result<void> outcome) {
    if (token != 0) of(route).marked.push_back({token, std::move(outcome)});
  }

 private:
  struct Batch {
    std::vector<SendAnswer> sent;
    std::vector<MarkAnswer> marked;
  };
  Batch& of(const Route& route) {
    for (auto& [known, batch] : by_route_)
      if (known == route) return batch;
    return by_route_.emplace_back(route, Batch{}).second;
  }
  Loops& loops_;
  std::vector<std::pair<Route, Batch>> by_route_;  // gateways are few
};

}  // namespace parley::message
