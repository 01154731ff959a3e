// Where conversations have logs of their own, a process owns some of the shards, for a while.
#include "services/message/errors.h"
#include "services/message/owner.h"

namespace parley::message {

Generation Owner::generation_of(const ConversationId& id) const {
  // The shard is computed from the id's text, which the one log's writer need not do.
  return shared_.info.one_log ? shared_.info.generation : generations_[shard_of(id).value];
}

void Owner::gain(ShardId shard, Generation generation) { generations_[shard.value] = generation; }

void Owner::lose(std::set<ShardId> shards, std::function<void()> done) {
  for (const auto shard : shards) generations_[shard.value] = Generation(0);
  if (!shards.empty()) {
    Answers answers(shared_.loops);
    cache_.each([&](ConversationState& state) {
      if (!shards.contains(shard_of(state.id))) return;
      fail_waiting(state, lost_shard(), answers);
      unload(state);
      if (state.rewatch) end(*std::exchange(state.rewatch, nullptr));
    });
  }
  yielding_.push_back({std::move(shards), std::move(done)});
  finish_yielding();
}

/// What is known of it is forgotten: its next writer may be another process. A commit in flight
/// still settles, and members stay for the checks that point to them: their marks only grow.
void Owner::unload(ConversationState& state) {
  state.head = {};
  state.tail.clear();
  if (state.phase == ConversationState::Phase::ready)
    state.phase = ConversationState::Phase::unloaded;
}

void Owner::finish_yielding() {
  std::erase_if(yielding_, [&](Yielding& one) {
    for (const auto* group : in_flight_)
      for (const auto& part : group->parts)
        if (one.shards.contains(shard_of(part.state->id))) return false;
    one.done();
    return true;
  });
}

}  // namespace parley::message
