// A commit: written at a quorum, for as long as the lease holds, and then answered.
#include <boost/asio.hpp>

#include "adapters/conversation_store/cassandra/cassandra_conversation_store.h"
#include "adapters/conversation_store/cassandra/periods.h"
#include "adapters/shared/rows/rows.h"
#include "base/check.h"
#include "base/log.h"
#include "domain/text.h"

namespace parley {
namespace {

using cassandra_log::number;

// Several partitions in one batch: Cassandra refuses more than 50 KiB, and writes a warning for
// more than ten partitions. A batch of one partition is one mutation, whatever its size.
constexpr std::size_t kMixedBytes = 16 << 10;
constexpr std::size_t kMixedStatements = 20;  // two for each inbox

constexpr std::chrono::seconds kLate{2};  // of the 5 that a resume reads before its cursor

Error stale() { return {Code::stale_generation, "another process owns this shard now"}; }

}  // namespace

struct CassandraConversationStore::Write {
  Generation generation;
  TimeMs now;
  Append append;
  Done done;
  std::size_t settled = 0;  // of the entries: a batch ends where its partition does
  std::size_t taken = 0;    // that are under way
  std::size_t open = 0;     // requests that are not answered
  const std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
  std::chrono::milliseconds late{0};
  bool uncertain = false;  // something was sent that is not known to be stored under the lease
  std::optional<Error> error;
  std::chrono::milliseconds pause{0};
  std::unique_ptr<boost::asio::steady_timer> timer;
  std::list<Writing>::iterator place;

  bool last_part() const { return taken == append.entries.size(); }
  /// When the conversation changed, for the inboxes.
  TimeMs changed() const {
    return TimeMs((append.entries.empty() ? now : append.entries.back()->time).value +
                  late.count());
  }
};

bool CassandraConversationStore::holds(const ConversationId& conversation,
                                       Generation generation) const {
  const auto shard = shard_of(conversation);
  return generation.value > over_[shard.value] && settings_.holds(shard, generation);
}

void CassandraConversationStore::commit(Generation generation, TimeMs now,
                                        std::vector<Append> group, Done done) {
  PARLEY_CHECK(group.size() == 1, "a commit holds one conversation where each has its own log");
  auto write = std::make_shared<Write>(Write{.generation = generation,
                                             .now = now,
                                             .append = std::move(group.front()),
                                             .done = std::move(done),
                                             .error = {},
                                             .timer = {},
                                             .place = {}});
  boost::asio::post(io_, [this, write = std::move(write)]() mutable {
    write->place = writes_.insert(writes_.end(), write);
    issue(std::move(write));
  });
}

/// The very same rows each time, with the same time stamps.
void CassandraConversationStore::issue(Writing write) {
  if (closing_) return finish(write, fail_for(Code::unavailable, "the server is stopping", 1'000));
  if (!holds(write->append.conversation, write->generation))
    return finish(write, std::unexpected(stale()));
  const auto requests = batches(*write);
  write->error.reset();
  write->open = requests.size();
  if (requests.empty()) return finish(write, 0);
  write->uncertain = true;
  for (const auto& batch : requests)
    session_->execute(batch, [this, write](Result<cassandra::Rows> answer) {
      boost::asio::post(io_, [this, write, answer = std::move(answer)]() mutable {
        answered(write, std::move(answer));
      });
    });
}

void CassandraConversationStore::answered(const Writing& write, Result<cassandra::Rows> answer) {
  if (!answer) write->error = std::move(answer.error());
  if (--write->open != 0) return;
  // Rule 3: only if the lease certainly held after the write was stored is it so that nobody has
  // begun to write this log in the meantime.
  if (!holds(write->append.conversation, write->generation))
    return finish(write, std::unexpected(stale()));
  if (write->error) return repeat(write);
  write->settled = write->taken;
  if (!write->last_part()) return issue(write);
  if (cassandra_log::period_of(write->changed()) == period_ && !write->append.entries.empty())
    noted_.insert(write->append.conversation);
  // A cursor that was taken meanwhile has passed the time of these entries, and a resume reads only
  // a little before it: their inbox rows say a later one.
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - write->begun);
  if (took - write->late > kLate && !write->append.inboxes.empty()) {
    write->late = took;
    return issue(write);
  }
  finish(write, 0);
}

/// Nobody knows what became of it: nothing else may be written in its place.
void CassandraConversationStore::repeat(Writing write) {
  if (write->pause == std::chrono::milliseconds(0))
    log::warn("message", "a write to {} is repeated until it is certain: {}",
              write->append.conversation.text(), write->error->message);
  write->pause =
      std::clamp(write->pause * 2, settings_.repeat_after, settings_.repeat_after_at_most);
  write->timer = std::make_unique<boost::asio::steady_timer>(io_, write->pause);
  write->timer->async_wait([this, write](boost::system::error_code) { issue(write); });
}

/// Who waits to repeat a write goes on at once.
void CassandraConversationStore::stop_waiting() {
  for (const auto& write : writes_)
    if (write->timer) write->timer->cancel();
}

void CassandraConversationStore::finish(const Writing& write, Result<std::uint64_t> outcome) {
  writes_.erase(write->place);
  if (!outcome && write->uncertain) {
    auto& over = over_[shard_of(write->append.conversation).value];
    over = std::max(over.load(), write->generation.value);
  }
  write->done(std::move(outcome));
  if (closing_ && writes_.empty()) drained_();
}

std::vector<cassandra::Batch> CassandraConversationStore::batches(Write& write) {
  const auto& entries = write.append.entries;
  std::size_t bytes = 0;
  for (write.taken = write.settled; write.taken < entries.size(); ++write.taken) {
    const auto& entry = *entries[write.taken];
    if (bucket_of(entry.seq) != bucket_of(entries[write.settled]->seq)) break;
    bytes += entry.body.size() + 200;
  }
  std::vector<cassandra::Statement> log, rest;
  add_entries(write, log);
  add_rest(write, rest);
  std::vector<cassandra::Batch> out;
  const auto add = [&](cassandra::Statement& statement, bool fresh) {
    if (fresh) out.emplace_back().options.idempotent = true;
    out.back().add(std::move(statement));
  };
  for (auto& statement : log) add(statement, out.empty());
  const bool together = bytes < kMixedBytes && log.size() + rest.size() <= kMixedStatements;
  for (std::size_t i = 0; i < rest.size(); ++i)
    add(rest[i], out.empty() || (!together && i % kMixedStatements == 0));
  return out;
}

/// Entries under the writer's generation, each with the head as of now; and their keys.
void CassandraConversationStore::add_entries(const Write& write,
                                             std::vector<cassandra::Statement>& out) const {
  const auto key = write.append.conversation.key();
  const auto& entries = write.append.entries;
  for (auto i = write.settled; i < write.taken; ++i) {
    const auto& entry = *entries[i];
    const Seq committed(entries[write.settled]->seq.value - 1);
    out.push_back(cassandra_log::repeatable(tables_.put_entry));
    out.back()
        .bytes(key)
        .bigint(number(bucket_of(entry.seq)))
        .bigint(number(entry.seq))
        .bigint(entry.time.value)
        .bytes(cassandra_log::encode_row(committed, entry, write.generation))
        .bigint(number(write.generation));
  }
}

/// What goes to other partitions: keys, and with the last part everything else.
void CassandraConversationStore::add_rest(Write& write, std::vector<cassandra::Statement>& out) {
  const auto& append = write.append;
  const auto key = append.conversation.key();
  const auto add = [&out](const cassandra::Prepared& prepared) -> cassandra::Statement& {
    return out.emplace_back(cassandra_log::repeatable(prepared));
  };
  std::string value;
  for (auto i = write.settled; i < write.taken; ++i) {
    const auto& entry = *append.entries[i];
    if (entry.client_message_id.empty()) continue;
    rows::encode_sent({entry.seq, hash_bytes(entry.body)}, value);
    add(tables_.put_sent)
        .bytes(key)
        .bigint(number(entry.sender))
        .bytes(entry.client_message_id)
        .bytes(value)
        .integer(static_cast<std::int32_t>(settings_.idempotency.count()))
        .bigint(number(write.generation));
  }
  if (!write.last_part()) return;
  const auto changed = write.changed();
  for (const auto user : append.inboxes) {
    add(tables_.put_changed)
        .bigint(changed.value)
        .bigint(changed.value)
        .bigint(number(user))
        .bytes(key);
    if (!append.entries.empty()) {
      const auto head = number(append.entries.back()->seq);
      add(tables_.put_head).bigint(head).bigint(head).bigint(number(user)).bytes(key);
    }
    if (append.wide) add(tables_.put_wide).bigint(number(user)).bytes(key);
  }
  for (const auto& [conversation, user, marks] : append.marks) {
    const auto put = [&](const cassandra::Prepared& prepared, Seq seq) -> cassandra::Statement& {
      return add(prepared).bigint(number(seq));
    };
    const auto where = [&](cassandra::Statement& statement) {
      statement.bytes(conversation.key()).bigint(number(user));
    };
    if (marks.delivered > marks.read)
      where(put(tables_.put_delivered, marks.delivered).bigint(number(marks.delivered)));
    if (marks.read)
      where(put(tables_.put_read, marks.read).bytes(cassandra_log::encode_read(marks)));
    if (marks.joined) where(put(tables_.put_joined, marks.joined).bigint(number(marks.joined)));
    if (marks.left) where(put(tables_.put_left, marks.left).bigint(number(marks.left)));
  }
  if (append.entries.empty()) return;
  // Once a conversation and period: by the time of the last entry, which the duty begins from.
  const auto period = cassandra_log::period_of(changed);
  if (period != period_) {
    period_ = period;
    noted_.clear();
  }
  if (noted_.contains(append.conversation)) return;
  add(tables_.put_touched)
      .integer(static_cast<std::int32_t>(shard_of(append.conversation).value))
      .bigint(period)
      .bytes(key)
      .integer(static_cast<std::int32_t>(settings_.recent.count()));
}

}  // namespace parley
