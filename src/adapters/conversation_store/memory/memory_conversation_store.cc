#include "adapters/conversation_store/memory/memory_conversation_store.h"

#include <algorithm>
#include <random>
#include <utility>

#include "base/check.h"
#include "domain/text.h"

namespace parley {
namespace {

std::uint64_t random_epoch() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device();
}

std::unexpected<Error> stale() {
  return fail(Code::stale_generation, "the conversation store was opened again since then");
}

}  // namespace

MemoryConversationStore::MemoryConversationStore(Generation generation, bool one_log)
    : info_{random_epoch(), one_log ? generation : Generation(0), 0, one_log},
      generation_(generation.value),
      thread_([this] { run(); }) {}

MemoryConversationStore::~MemoryConversationStore() {
  {
    const std::lock_guard lock(queue_mutex_);
    closing_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void MemoryConversationStore::commit(Generation generation, TimeMs now, std::vector<Append> group,
                                     Done done) {
  {
    const std::lock_guard lock(queue_mutex_);
    queue_.push_back({generation, now, std::move(group), std::move(done)});
  }
  wake_.notify_one();
}

void MemoryConversationStore::run() {
  for (;;) {
    std::vector<Commit> batch;
    {
      std::unique_lock lock(queue_mutex_);
      wake_.wait(lock, [&] { return closing_ || !queue_.empty(); });
      if (queue_.empty()) return;
      batch.swap(queue_);
    }
    for (auto& commit : batch) {
      auto answer = apply(commit);
      commit.done(std::move(answer));
    }
  }
}

Result<std::uint64_t> MemoryConversationStore::apply(const Commit& commit) {
  if (commit.generation.value != generation_) return stale();
  const std::lock_guard lock(mutex_);
  for (const auto& append : commit.group) apply(commit.now, append);
  return feed_.size();
}

void MemoryConversationStore::apply(TimeMs now, const Append& append) {
  if (!append.entries.empty()) last_appended_[append.conversation] = append.entries.size();
  for (const auto& entry : append.entries) {
    auto& log = logs_[append.conversation];
    const auto place = entry->seq.value - 1;
    if (!info_.one_log && place < log.size() && *log[place] == *entry) continue;  // again
    PARLEY_CHECK(entry->conversation == append.conversation, "an entry of another conversation");
    PARLEY_CHECK(entry->seq.value == log.size() + 1, "entries are numbered densely from the head");
    if (!entry->client_message_id.empty())
      sent_.emplace(std::tuple(append.conversation, entry->sender, entry->client_message_id),
                    entry);
    log.push_back(entry);
    feed_.push_back(entry);
  }
  for (const auto& change : append.marks)
    marks_[{change.conversation, change.user}].merge(change.marks);
  const TimeMs changed = append.entries.empty() ? now : append.entries.back()->time;
  for (const auto user : append.inboxes) {
    auto& row = inboxes_[user][append.conversation];
    row.wide = row.wide || append.wide;
    row.changed = std::max(row.changed, changed);
    if (!append.entries.empty() || !row.head) row.head = head_of(append.conversation).seq;
  }
}

Head MemoryConversationStore::head_of(const ConversationId& conversation) const {
  const auto log = logs_.find(conversation);
  if (log == logs_.end()) return {};
  return head_after(*log->second.back());
}

Result<Begun> MemoryConversationStore::begin(const ConversationId& conversation,
                                             Generation generation) {
  if (generation.value != generation_) return stale();
  const std::lock_guard lock(mutex_);
  if (info_.one_log) return Begun{head_of(conversation), {}};
  Begun begun;
  const auto& log = logs_[conversation];
  const auto certain = log.size() - last_appended_[conversation];
  if (certain) begun.head = head_after(*log[certain - 1]);
  begun.tail.assign(log.begin() + static_cast<std::ptrdiff_t>(certain), log.end());
  return begun;
}

Result<Head> MemoryConversationStore::head(const ConversationId& conversation) {
  const std::lock_guard lock(mutex_);
  return head_of(conversation);
}

Result<std::optional<Sent>> MemoryConversationStore::find(const ConversationId& conversation,
                                                          UserId sender,
                                                          std::string_view client_message_id) {
  const std::lock_guard lock(mutex_);
  const auto it = sent_.find(std::tuple(conversation, sender, std::string(client_message_id)));
  if (it == sent_.end()) return std::nullopt;
  const auto& entry = *it->second;
  return Sent{entry.seq, entry.id, entry.time, hash_bytes(entry.body)};
}

Result<std::vector<EntryPtr>> MemoryConversationStore::read(const ConversationId& conversation,
                                                            Seq from, Seq to, std::size_t limit,
                                                            bool newest) {
  const std::lock_guard lock(mutex_);
  const auto it = logs_.find(conversation);
  if (it == logs_.end()) return std::vector<EntryPtr>();
  const auto& log = it->second;
  std::uint64_t first = std::max<std::uint64_t>(from.value, 1);
  std::uint64_t last = std::min<std::uint64_t>(to.value, log.size());
  if (first > last || limit == 0) return std::vector<EntryPtr>();
  if (last - first >= limit)
    (newest ? first : last) = newest ? last - limit + 1 : first + limit - 1;
  return std::vector<EntryPtr>(log.begin() + static_cast<std::ptrdiff_t>(first - 1),
                               log.begin() + static_cast<std::ptrdiff_t>(last));
}

Result<Seq> MemoryConversationStore::seek(const ConversationId& conversation, TimeMs time) {
  const std::lock_guard lock(mutex_);
  const auto it = logs_.find(conversation);
  if (it == logs_.end()) return Seq(1);
  const auto& log = it->second;
  const auto found = std::ranges::lower_bound(log, time, {}, [](const auto& e) { return e->time; });
  return Seq(static_cast<std::uint64_t>(found - log.begin()) + 1);
}

Result<Marks> MemoryConversationStore::marks(const ConversationId& conversation, UserId user) {
  const std::lock_guard lock(mutex_);
  const auto it = marks_.find({conversation, user});
  return it == marks_.end() ? Marks{} : it->second;
}

Result<std::vector<InboxRow>> MemoryConversationStore::inbox(UserId user, TimeMs since,
                                                             std::optional<ConversationId> after,
                                                             std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<InboxRow> rows;
  const auto inbox = inboxes_.find(user);
  if (inbox == inboxes_.end()) return rows;
  // Ids compare as their keys do: by kind, then numbers.
  auto it = after ? inbox->second.upper_bound(*after) : inbox->second.begin();
  for (; it != inbox->second.end() && rows.size() < limit; ++it)
    if (it->second.changed >= since || it->second.wide)
      rows.push_back({it->first, it->second.changed, it->second.head, it->second.wide});
  return rows;
}

Result<std::vector<Participant>> MemoryConversationStore::participants(const ConversationId& group,
                                                                       UserId after,
                                                                       std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<Participant> found;
  for (auto it = marks_.upper_bound({group, after});
       it != marks_.end() && it->first.first == group && found.size() < limit; ++it)
    if (it->second.joined) found.push_back({it->first.second, it->second});
  return found;
}

Result<FeedPage> MemoryConversationStore::feed(std::uint64_t after, std::size_t limit, Of of) {
  const std::lock_guard lock(mutex_);
  FeedPage page{{}, std::max(after, trimmed_)};
  for (; page.next < feed_.size() && page.entries.size() < limit; ++page.next) {
    const auto& entry = *feed_[page.next];
    if (of == Of::groups && entry.conversation.is_direct()) continue;
    page.entries.push_back({page.next + 1, entry.conversation, entry.seq});
  }
  return page;
}

void MemoryConversationStore::trim(std::uint64_t position) {
  const std::lock_guard lock(mutex_);
  trimmed_ = std::max(trimmed_, std::min<std::uint64_t>(position, feed_.size()));
}

Result<std::uint64_t> MemoryConversationStore::position(std::string_view consumer) {
  const std::lock_guard lock(mutex_);
  const auto it = positions_.find(consumer);
  return it == positions_.end() ? 0 : it->second;
}

void MemoryConversationStore::set_position(std::string_view consumer, std::uint64_t position) {
  const std::lock_guard lock(mutex_);
  auto& stored = positions_[std::string(consumer)];
  stored = std::max(stored, position);
}

Result<std::vector<ConversationId>> MemoryConversationStore::touched(
    std::span<const ShardTime> since) {
  const std::lock_guard lock(mutex_);
  std::vector<ConversationId> found;
  for (const auto& [id, log] : logs_) {
    const auto asked = std::ranges::find(since, shard_of(id), &ShardTime::shard);
    if (asked != since.end() && !log.empty() && log.back()->time >= asked->time)
      found.push_back(id);
  }
  return found;
}

Result<std::vector<TimeMs>> MemoryConversationStore::settled(std::span<const ShardId> shards) {
  const std::lock_guard lock(mutex_);
  std::vector<TimeMs> out;
  for (const auto shard : shards) out.push_back(settled_[shard]);
  return out;
}

Result<void> MemoryConversationStore::set_settled(std::span<const ShardId> shards, TimeMs time) {
  const std::lock_guard lock(mutex_);
  for (const auto shard : shards) settled_[shard] = std::max(settled_[shard], time);
  return {};
}

void MemoryConversationStore::take_over(Generation generation) {
  PARLEY_CHECK(!info_.one_log, "one log has one writer");
  generation_ = generation.value;
}

}  // namespace parley
