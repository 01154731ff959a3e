#include "services/gateway/to_proto.h"

#include "wire/server_writer.h"

namespace parley::gateway {
namespace {
constexpr std::uint32_t kRetryAfterMs = 1'000;  // where the service gave no time

std::uint64_t distance(std::uint64_t one, std::uint64_t other) {
  return one > other ? one - other : other - one;
}
}  // namespace

void to_proto(const Error& error, v1::Error& out) {
  const auto& row = describe(error.code);
  out.set_code(std::string(row.name));
  out.set_message(error.message);
  out.set_field(error.field);
  out.set_retryable(row.retryable);
  if (row.retryable)
    out.set_retry_after_ms(error.retry_after_ms ? error.retry_after_ms : kRetryAfterMs);
}

std::size_t size_of(const Entry& entry) {
  const auto change =
      entry.change ? entry.change->text.size() + 16 * entry.change->users.size() : 0;
  return entry.body.size() + change + 128;
}

void to_proto(const PresenceView& view, v1::PresenceNotice& out) {
  out.set_user_id(view.user.value);
  out.set_online(view.online);
  out.set_last_seen_ms(view.last_seen.value);
}

void to_proto(const ConversationView& view, v1::Conversation& out) {
  out.set_conversation_id(view.conversation.text());
  out.set_head(view.head.seq.value);
  out.set_delivered(view.own.delivered.value);
  out.set_read(view.own.read.value);
  out.set_unread(unread(view.head.countable, view.own));
  out.set_changed_ms(view.changed.value);
  for (const auto& [user, marks] : view.others) {
    auto& other = *out.add_others();
    other.set_user_id(user.value);
    other.set_delivered(marks.delivered.value);
    other.set_read(marks.read.value);
  }
  out.set_joined(view.joined.value);
  if (view.left >= view.joined) out.set_left(view.left.value);
  out.set_members(view.members);
}

void to_proto(const HistoryPage& page, const ConversationId& conversation, v1::History& out) {
  out.set_conversation_id(conversation.text());
  for (const auto& entry : page.entries) wire::to_proto(*entry, *out.add_entries());
  out.set_head(page.head.seq.value);
  out.set_more_before(page.more_before);
  out.set_more_after(page.more_after);
}

void to_proto(const Limits& limits, v1::Limits& out) {
  const auto u32 = [](std::size_t value) { return static_cast<std::uint32_t>(value); };
  out.set_frame_bytes(u32(limits.frame_bytes));
  out.set_text_bytes(u32(limits.text_bytes));
  out.set_batch_frames(u32(limits.batch_frames));
  out.set_unanswered_requests(u32(limits.unanswered_requests));
  out.set_history_page(u32(limits.history_page));
  out.set_sends_per_second(u32(limits.sends_per_second));
  out.set_ack_marks(u32(limits.ack_marks));
  out.set_watched_users(u32(limits.watched_users));
}

void trim(HistoryPage& page, const HistoryQuery& query, std::size_t max_bytes) {
  using From = HistoryQuery::From;
  std::size_t bytes = 0;
  for (const auto& entry : page.entries) bytes += size_of(*entry);
  std::size_t first = 0, end = page.entries.size();
  const auto place = [&](std::size_t i) {
    const auto& entry = *page.entries[i];
    return query.from == From::around ? entry.seq.value
                                      : static_cast<std::uint64_t>(entry.time.value);
  };
  const auto drop_first = [&] {
    switch (query.from) {
      case From::before:
      case From::before_time:
        return true;
      case From::after:
      case From::after_time:
        return false;
      case From::around:
      case From::around_time:
        return distance(place(first), query.at) >= distance(place(end - 1), query.at);
    }
    return true;
  };
  while (bytes > max_bytes && end - first > 1)
    bytes -= size_of(*page.entries[drop_first() ? first++ : --end]);
  page.more_before = page.more_before || first > 0;
  page.more_after = page.more_after || end < page.entries.size();
  page.entries.resize(end);
  page.entries.erase(page.entries.begin(),
                     page.entries.begin() + static_cast<std::ptrdiff_t>(first));
}

}  // namespace parley::gateway
