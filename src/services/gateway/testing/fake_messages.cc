#include <boost/asio.hpp>

#include "services/gateway/testing/fakes.h"
#include "wire/server_writer.h"

namespace parley::gateway::testing {
namespace {
std::unexpected<Error> not_here() {
  return fail(Code::not_found, "there is no such conversation", "conversation_id");
}
Head head_of(const std::vector<EntryPtr>& log) {
  if (log.empty()) return {};
  const auto& last = *log.back();
  return {last.seq, last.id, last.time, last.countable};
}
}  // namespace

void FakeMessages::add_group(std::uint64_t group, std::vector<std::uint64_t> members) {
  const std::lock_guard lock(mutex_);
  auto& users = groups_[ConversationId::group(group)];
  for (const auto member : members) users.insert(UserId(member));
}

bool FakeMessages::may_see(UserId user, const ConversationId& conversation) const {
  const auto group = groups_.find(conversation);
  return conversation.has(user) || (group != groups_.end() && group->second.contains(user));
}

EntryPtr FakeMessages::append_locked(const ConversationId& conversation, UserId sender,
                                     std::string key, std::string body, TimeMs time) {
  auto& log = logs_[conversation];
  auto entry = std::make_shared<Entry>();
  entry->conversation = conversation;
  entry->seq = Seq(log.size() + 1);
  entry->id = MessageId(1'000'000 + log.size());
  entry->sender = sender;
  entry->time = time;
  entry->client_message_id = std::move(key);
  entry->body = std::move(body);
  entry->countable = log.size() + 1;
  log.push_back(entry);
  return entry;
}

EntryPtr FakeMessages::append(const ConversationId& conversation, UserId sender, std::string text,
                              TimeMs time) {
  const std::lock_guard lock(mutex_);
  return append_locked(conversation, sender, "", wire::encode_body(text), time);
}

void FakeMessages::append(EntryPtr entry) {
  const std::lock_guard lock(mutex_);
  logs_[entry->conversation].push_back(entry);
}

Marks FakeMessages::marks(const ConversationId& conversation, UserId user) const {
  const std::lock_guard lock(mutex_);
  const auto at = marks_.find({conversation, user});
  return at == marks_.end() ? Marks{} : at->second;
}
std::size_t FakeMessages::asked_sends() const {
  const std::lock_guard lock(mutex_);
  return sent_.size();
}
std::vector<SendRequest> FakeMessages::sent() const {
  const std::lock_guard lock(mutex_);
  return sent_;
}
TimeMs FakeMessages::last_since() const {
  const std::lock_guard lock(mutex_);
  return last_since_;
}
void FakeMessages::hold_answers() {
  const std::lock_guard lock(mutex_);
  holding_ = true;
}
void FakeMessages::release_answers() {
  std::vector<std::move_only_function<void()>> held;
  {
    const std::lock_guard lock(mutex_);
    holding_ = false;
    held.swap(held_);
  }
  for (auto& answer : held) answer();
}
void FakeMessages::fail_sends(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  send_error_ = std::move(error);
}
void FakeMessages::fail_reads(std::optional<Error> error) {
  const std::lock_guard lock(mutex_);
  read_error_ = std::move(error);
}

std::size_t FakeMessages::failed_reads() const {
  const std::lock_guard lock(mutex_);
  return failed_reads_;
}

void FakeMessages::send(std::vector<SendRequest> batch, MessageListener& listener) {
  std::vector<SendAnswer> answers;
  std::unique_lock lock(mutex_);
  for (auto& request : batch) {
    Result<Head> sent;
    if (send_error_) {
      sent = std::unexpected(*send_error_);
    } else if (!may_see(request.sender, request.conversation)) {
      sent = not_here();
    } else {
      append_locked(request.conversation, request.sender, request.client_message_id, request.body,
                    TimeMs(5'000));
      sent = head_of(logs_[request.conversation]);
    }
    answers.push_back({request.token, std::move(sent)});
    sent_.push_back(std::move(request));
  }
  if (holding_) {
    const auto loop = loops_.current();
    held_.push_back([this, loop, &listener, answers = std::move(answers)]() mutable {
      loops_.run_on(loop, [&listener, answers = std::move(answers)]() mutable {
        listener.on_sent(std::move(answers));
      });
    });
    return;
  }
  lock.unlock();
  listener.on_sent(std::move(answers));
}

void FakeMessages::mark(std::vector<MarkRequest> batch, MessageListener& listener) {
  std::vector<MarkAnswer> answers;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& request : batch) {
      marks_[{request.conversation, request.user}].merge({request.delivered, request.read, 0});
      answers.push_back({request.token, {}});
    }
  }
  listener.on_marked(std::move(answers));
}

ConversationView FakeMessages::view_locked(const ConversationId& conversation, UserId user) const {
  ConversationView out;
  out.conversation = conversation;
  if (const auto log = logs_.find(conversation); log != logs_.end())
    out.head = head_of(log->second);
  if (const auto own = marks_.find({conversation, user}); own != marks_.end())
    out.own = own->second;
  out.changed = out.head.time;
  if (const auto group = groups_.find(conversation); group != groups_.end()) {
    out.joined = Seq(1);
    out.members = static_cast<std::uint32_t>(group->second.size());
  }
  return out;
}

Awaitable<Result<Changes>> FakeMessages::changes(UserId user, Cursor since) {
  const std::lock_guard lock(mutex_);
  if (read_error_) {
    ++failed_reads_;
    co_return std::unexpected(*read_error_);
  }
  const TimeMs from = since.epoch == kEpoch ? since.time : TimeMs(0);
  last_since_ = from;
  Changes out{{}, {kEpoch, TimeMs(9'000)}};
  for (const auto& [conversation, log] : logs_) {
    if (!may_see(user, conversation)) continue;
    Seq first(log.size() + 1);
    while (first.value > 1 && log[first.value - 2]->time >= from) --first.value;
    if (first.value <= log.size()) out.changes.push_back({view_locked(conversation, user), first});
  }
  co_return out;
}

Awaitable<Result<std::vector<EntryPtr>>> FakeMessages::entries(UserId asker,
                                                               ConversationId conversation,
                                                               Seq from, Seq to,
                                                               std::size_t limit) {
  const std::lock_guard lock(mutex_);
  if (!may_see(asker, conversation)) co_return not_here();
  const auto& log = logs_[conversation];
  std::vector<EntryPtr> out;
  for (auto seq = from.value; seq <= to.value && seq <= log.size(); ++seq)
    out.push_back(log[seq - 1]);
  if (out.size() > limit) out.erase(out.begin(), out.end() - static_cast<std::ptrdiff_t>(limit));
  co_return out;
}

Awaitable<Result<HistoryPage>> FakeMessages::history(UserId asker, ConversationId conversation,
                                                     HistoryQuery query) {
  const std::lock_guard lock(mutex_);
  const auto at = logs_.find(conversation);
  if (!may_see(asker, conversation) || at == logs_.end()) co_return not_here();
  const auto& log = at->second;
  // Enough for a gateway: before a seq, or after it.
  std::uint64_t first = 1, last = log.size();
  if (query.from == HistoryQuery::From::before) {
    if (query.at != 0) last = std::min(last, query.at - 1);
    if (last > query.limit) first = last - query.limit + 1;
  } else {
    first = query.at + 1;
    last = std::min(last, query.at + query.limit);
  }
  HistoryPage page;
  for (auto seq = first; seq <= last; ++seq) page.entries.push_back(log[seq - 1]);
  page.head = head_of(log);
  page.more_before = first > 1;
  page.more_after = last < log.size();
  co_return page;
}

Awaitable<Result<Head>> FakeMessages::append(GroupId group, UserId actor, GroupChange change) {
  const std::lock_guard lock(mutex_);
  const auto where = ConversationId::group(group.value);
  auto& log = logs_[where];
  auto entry = std::make_shared<Entry>();
  entry->conversation = where;
  entry->seq = Seq(log.size() + 1);
  entry->id = MessageId(2'000'000 + log.size());
  entry->sender = actor;
  entry->time = TimeMs(5'000);
  entry->countable = log.empty() ? 0 : log.back()->countable;
  entry->kind = EntryKind::group_change;
  entry->change = std::make_shared<const GroupChange>(std::move(change));
  log.push_back(entry);
  co_return head_of(log);
}

Awaitable<Result<std::vector<Marks>>> FakeMessages::marks(ConversationId conversation,
                                                          std::vector<UserId> users) {
  std::vector<Marks> out;
  for (const auto user : users) out.push_back(marks(conversation, user));
  co_return out;
}

Awaitable<Result<Receipts>> FakeMessages::receipts(UserId asker, ConversationId conversation,
                                                   Seq seq) {
  const std::lock_guard lock(mutex_);
  const auto log = logs_.find(conversation);
  if (!may_see(asker, conversation) || log == logs_.end() || seq.value > log->second.size())
    co_return not_here();
  Receipts out;
  for (const auto& [key, marks] : marks_) {
    if (key.first != conversation || key.second == log->second[seq.value - 1]->sender) continue;
    ++out.members;
    out.delivered += marks.delivered >= seq;
    out.read += marks.read >= seq;
    out.each.emplace_back(key.second, marks);
  }
  co_return out;
}

Awaitable<Result<std::vector<UserId>>> FakeMessages::visible(UserId asker,
                                                             std::vector<UserId> users) {
  const std::lock_guard lock(mutex_);
  if (read_error_) co_return std::unexpected(*read_error_);
  std::erase_if(users, [&](UserId user) {
    if (logs_.contains(ConversationId::direct(asker, user))) return false;
    return std::ranges::none_of(groups_, [&](const auto& group) {
      return group.second.contains(asker) && group.second.contains(user);
    });
  });
  co_return users;
}

Awaitable<Result<ConversationView>> FakeMessages::view(UserId asker, ConversationId conversation) {
  const std::lock_guard lock(mutex_);
  if (!may_see(asker, conversation)) co_return not_here();
  co_return view_locked(conversation, asker);
}

Awaitable<Result<std::vector<ConversationView>>> FakeMessages::conversations(
    UserId user, std::optional<ConversationId> after, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  std::vector<ConversationView> out;
  for (const auto& [conversation, log] : logs_) {
    if (out.size() == limit) break;
    if (may_see(user, conversation) && (!after || conversation > *after))
      out.push_back(view_locked(conversation, user));
  }
  co_return out;
}

}  // namespace parley::gateway::testing
