#pragma once
#include <algorithm>
#include <boost/unordered/unordered_flat_map.hpp>
#include <chrono>
#include <map>
#include <set>

#include "api/message.h"
#include "base/metrics.h"

namespace parley::rpc {

/// Whom to ask, by shard; null: nobody.
using ShardApis = std::vector<MessageApi*>;

/// Requests of one kind and one loop on their way to the owners of their conversations. While a
/// shard changes hands, what was refused by its last owner, or lost on the way to it, and what
/// comes meanwhile is held, and asked of the next one in the order in which it came: whoever sends
/// sees a pause, no error. Both kinds may be asked twice. Held for `patience` at most. What is
/// behind a request that fails in another way fails with it, so that it does not overtake it when
/// it comes again. Everything on the loop.
template <class Request, class Answer>
class RouterLane {
 public:
  using Time = std::chrono::steady_clock;
  using Ask = void (MessageApi::*)(std::vector<Request>, MessageListener&);
  using Give = void (MessageListener::*)(std::vector<Answer>);

  struct Settings {
    std::chrono::milliseconds patience;
    std::size_t bytes_at_most;  // of what is asked or held
    Metric& held;               // counts what is held
  };
  RouterLane(Settings settings, Ask ask, Give give)
      : settings_(settings), ask_(ask), give_(give), shards_(kShards) {}

  /// Asks the owners, whose answers come to `self`. Those that can be neither asked nor held are
  /// answered in `refused`, which the caller gives later: not from within the call.
  void ask(std::vector<Request> batch, MessageListener& listener, MessageListener& self,
           const ShardApis& owners, std::vector<Answer>& refused) {
    std::vector<Asked> now;
    for (auto& request : batch) {
      const auto shard = shard_of(request.conversation);
      if (bytes_ + bytes_of(request) > settings_.bytes_at_most) {
        if (request.token != 0) refused.push_back({request.token, std::unexpected(too_much())});
        continue;
      }
      bytes_ += bytes_of(request);
      Asked asked{std::move(request), &listener};
      if (owners[shard.value] && shards_[shard.value].held.empty())
        now.push_back(std::move(asked));
      else
        hold(++last_, std::move(asked));
    }
    send(std::move(now), self, owners);
  }

  /// Takes answers of owners, and gives those that are final.
  void answered(std::vector<Answer> answers, const ShardApis& owners) {
    Given given;
    for (auto& answer : answers) {
      const auto at = open_.find(answer.token);
      if (at == open_.end()) continue;
      Asked asked = std::move(at->second);
      open_.erase(at);
      --shards_[shard_of(asked.request.conversation).value].in_flight;
      auto& outcome = outcome_of(answer);
      const auto* owner = owners[shard_of(asked.request.conversation).value];
      if (!outcome && is_the_next_ones(outcome.error(), asked.of, owner) && !is_late(asked)) {
        hold(answer.token, std::move(asked));
        continue;
      }
      if (!outcome) fail_behind(answer.token, asked.request.conversation, outcome.error(), given);
      give(given, asked, std::move(outcome));
    }
    give_all(given);
  }

  /// Asks again for what is held, if its shard has an owner; answers what was held for too long.
  void again(MessageListener& self, const ShardApis& owners) {
    Given given;
    std::vector<Asked> now;
    for (auto it = holding_.begin(); it != holding_.end();) {
      auto& [in_flight, held] = shards_[it->value];
      // The first is the oldest, and none may overtake it.
      if (is_late(held.begin()->second)) {
        settings_.held.add(-static_cast<std::int64_t>(held.size()));
        for (auto& [token, asked] : std::exchange(held, {}))
          give(given, asked, std::unexpected(nobody()));
      } else if (in_flight == 0 && owners[it->value]) {
        settings_.held.add(-static_cast<std::int64_t>(held.size()));
        for (auto& [token, asked] : std::exchange(held, {})) now.push_back(std::move(asked));
      }
      it = held.empty() ? holding_.erase(it) : std::next(it);
    }
    send(std::move(now), self, owners);
    give_all(given);
  }

  bool holds() const { return !holding_.empty(); }

  /// Whether what was asked of `asked` and failed so is to be asked of the shard's next owner: it
  /// says itself that it is not its owner, or it went away, as `present` shows.
  static bool is_the_next_ones(const Error& error, const MessageApi* asked,
                               const MessageApi* present) {
    return error.code == Code::stale_generation ||
           (error.code == Code::unavailable && asked != present);
  }

  static Error nobody() {
    return {Code::unavailable,
            "nobody serves this conversation at the moment: try again",
            {},
            kAgainMs};
  }

 private:
  static Error too_much() { return {Code::busy, "too much is under way: try again", {}, kAgainMs}; }
  static std::size_t bytes_of(const SendRequest& request) { return 200 + request.body.size(); }
  static std::size_t bytes_of(const MarkRequest&) { return 200; }

  static constexpr std::uint32_t kAgainMs = 200;

  struct Asked {
    Request request;  // with the caller's token
    MessageListener* listener;
    std::optional<Time::time_point> held_since = {};
    const MessageApi* of = nullptr;  // who was asked
  };
  struct Shard {
    std::size_t in_flight = 0;
    std::map<std::uint64_t, Asked> held;  // by our token, which is the order in which they came
  };
  using Given = std::vector<std::pair<MessageListener*, std::vector<Answer>>>;

  static auto& outcome_of(Answer& answer) {
    auto& [token, outcome] = answer;
    return outcome;
  }
  bool is_late(const Asked& asked) const {
    return asked.held_since && Time::now() - *asked.held_since > settings_.patience;
  }
  void hold(std::uint64_t token, Asked asked) {
    const auto shard = shard_of(asked.request.conversation);
    if (!asked.held_since) asked.held_since = Time::now();
    shards_[shard.value].held.emplace(token, std::move(asked));
    settings_.held.add();
    holding_.insert(shard);
  }
  void send(std::vector<Asked> batch, MessageListener& self, const ShardApis& owners) {
    std::vector<std::pair<MessageApi*, std::vector<Request>>> parts;
    for (auto& asked : batch) {
      const auto shard = shard_of(asked.request.conversation);
      auto* owner = owners[shard.value];
      auto part = std::ranges::find(parts, owner, [](const auto& p) { return p.first; });
      if (part == parts.end()) part = parts.insert(part, {owner, {}});
      auto& request = part->second.emplace_back(asked.request);
      request.token = ++last_;
      ++shards_[shard.value].in_flight;
      asked.of = owner;
      open_.emplace(last_, std::move(asked));
    }
    for (auto& [owner, part] : parts) (owner->*ask_)(std::move(part), self);
  }
  void fail_behind(std::uint64_t token, const ConversationId& conversation, const Error& error,
                   Given& given) {
    auto& held = shards_[shard_of(conversation).value].held;
    for (auto it = held.upper_bound(token); it != held.end();) {
      if (it->second.request.conversation != conversation) {
        ++it;
        continue;
      }
      give(given, it->second, std::unexpected(error));
      it = held.erase(it);
      settings_.held.add(-1);
    }
    if (held.empty()) holding_.erase(shard_of(conversation));
  }
  template <class Outcome>
  void give(Given& given, const Asked& asked, Outcome outcome) {
    bytes_ -= bytes_of(asked.request);
    if (asked.request.token == 0) return;
    auto to = std::ranges::find(given, asked.listener, [](const auto& g) { return g.first; });
    if (to == given.end()) to = given.insert(to, {asked.listener, {}});
    to->second.push_back({asked.request.token, std::move(outcome)});
  }
  void give_all(Given& given) {
    for (auto& [listener, answers] : given) (listener->*give_)(std::move(answers));
  }

  const Settings settings_;
  const Ask ask_;
  const Give give_;
  std::uint64_t last_ = 0;
  boost::unordered_flat_map<std::uint64_t, Asked> open_;  // asked, by our token
  std::vector<Shard> shards_;
  std::set<ShardId> holding_;  // whose `held` is not empty
  std::size_t bytes_ = 0;
};

}  // namespace parley::rpc
