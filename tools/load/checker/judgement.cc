// The second half of the checker: what is done with the history at the end.
#include <algorithm>
#include <fmt/format.h>
#include <limits>

#include "checker/checker.h"
#include "checker/hash.h"

namespace parley::load {
namespace {
constexpr SendIndex kNotOurs = std::numeric_limits<SendIndex>::max();
}

void Checker::history(ConversationIndex index, MemberIndex number, const v1::Entry& entry) {
  Conversation& conversation = conversations_[index];
  if (entry.seq() <= conversation.base) return;
  Member& member = at(index, number);
  if (member.history_seq != 0) {
    if (entry.seq() != member.history_seq + 1)
      faults_.add(FaultKind::not_dense,
                  fmt::format("{}: user {} reads seq {} after seq {}", name(index), member.user,
                              entry.seq(), member.history_seq));
    if (entry.message_id() <= member.history_message_id)
      faults_.add(FaultKind::not_dense,
                  fmt::format("{} seq {}: message_id {} follows {}", name(index), entry.seq(),
                              entry.message_id(), member.history_message_id));
    if (entry.countable() != member.history_countable + 1)
      faults_.add(FaultKind::unread,
                  fmt::format("{} seq {}: countable {} follows {}", name(index), entry.seq(),
                              entry.countable(), member.history_countable));
  } else if (entry.seq() != conversation.base + 1) {
    faults_.add(FaultKind::not_dense,
                fmt::format("{}: user {} reads seq {} first, not {}", name(index), member.user,
                            entry.seq(), conversation.base + 1));
  }
  member.history_seq = entry.seq();
  member.history_message_id = entry.message_id();
  member.history_countable = entry.countable();

  const std::uint64_t slot = entry.seq() - conversation.base - 1;
  const std::uint64_t print = fingerprint(entry);
  if (slot >= conversation.prints.size()) {
    conversation.prints.resize(slot + 1, 0);
    conversation.sends.resize(slot + 1, kNotOurs);
  }
  if (conversation.prints[slot] == 0) {
    conversation.prints[slot] = print;
    judge_stored(index, entry);
  } else if (conversation.prints[slot] != print) {
    faults_.add(FaultKind::two_contents,
                fmt::format("{} seq {}: the history gave two contents, the second to user {} with "
                            "message_id {}, client_message_id {}",
                            name(index), entry.seq(), member.user, entry.message_id(),
                            entry.client_message_id()));
  }
}

void Checker::judge_stored(ConversationIndex index, const v1::Entry& entry) {
  Conversation& conversation = conversations_[index];
  const auto found = ids_.find(entry.client_message_id());
  if (!found || *found >= sends_.size() || sends_[*found].sent == 0) {
    faults_.add(
        FaultKind::foreign,
        fmt::format("{} seq {}: nobody here sent message_id {}, client_message_id {}", name(index),
                    entry.seq(), entry.message_id(), entry.client_message_id()));
    return;
  }
  SendRecord& record = sends_[*found];
  conversation.sends[entry.seq() - conversation.base - 1] = *found;
  if (record.stored_seq != 0) {
    faults_.add(FaultKind::doubled, fmt::format("{} is stored under seq {} and seq {}",
                                                describe(*found), record.stored_seq, entry.seq()));
    return;
  }
  record.stored_seq = static_cast<std::uint32_t>(entry.seq());
  if (record.interruption != 0) {
    Interruption& caught_by = interruptions_[record.interruption - 1U];
    if (entry.time_ms() <= caught_by.unix_ms) ++caught_by.stored;
  }
  if (record.conversation != index || at(index, record.member).user != entry.sender())
    faults_.add(FaultKind::altered,
                fmt::format("{} is stored in {} seq {} with sender {}", describe(*found),
                            name(index), entry.seq(), entry.sender()));
  if (record.body_hash != hash_bytes(entry.body().text()))
    faults_.add(FaultKind::altered, fmt::format("{} seq {}: another text than was sent",
                                                describe(*found), entry.seq()));
  if (record.refused)
    faults_.add(FaultKind::altered, fmt::format("{} was refused, and is stored as seq {}",
                                                describe(*found), entry.seq()));
  if (record.acknowledged != 0 && record.message_id != entry.message_id())
    faults_.add(FaultKind::two_contents, fmt::format("{} is stored with message_id {}",
                                                     describe(*found), entry.message_id()));
}

void Checker::history_end(ConversationIndex index, MemberIndex number, std::uint64_t head) {
  Member& member = at(index, number);
  member.history_read = true;
  member.history_head = head;
}

void Checker::view(ConversationIndex index, MemberIndex number, const v1::Conversation& view) {
  const Conversation& conversation = conversations_[index];
  const Member& member = at(index, number);
  const std::uint64_t head = conversation.base + conversation.prints.size();
  const auto wrong = [&](std::string_view what, std::uint64_t is, std::uint64_t expected) {
    if (is != expected)
      faults_.add(FaultKind::unread,
                  fmt::format("{}: user {} is told {} {}, and it is {} (head {}, read up to {})",
                              name(index), member.user, what, is, expected, head, member.read));
  };
  wrong("head", view.head(), head);
  if (member.read > 0) {
    wrong("read", view.read(), member.read);
    wrong("unread", view.unread(), head - std::min(head, member.read));
  } else if (member.unread_before || conversation.base == 0) {
    wrong("unread", view.unread(), member.unread_before.value_or(0) + (head - conversation.base));
  }
  if (view.delivered() < view.read() || view.delivered() > view.head())
    wrong("delivered", view.delivered(), view.head());
}

void Checker::check_sends() {
  for (SendIndex i = 0; i < sends_.size(); ++i) {
    const SendRecord& record = sends_[i];
    if (record.acknowledged == 0 || record.stored_seq == record.seq) continue;
    if (record.stored_seq == 0)
      faults_.add(FaultKind::lost, fmt::format("{} is not in the history", describe(i)));
    else
      faults_.add(FaultKind::doubled,
                  fmt::format("{} is stored as seq {}", describe(i), record.stored_seq));
  }
}

void Checker::check_order(ConversationIndex index) {
  const Conversation& conversation = conversations_[index];
  // From the end to the beginning, with the earliest acknowledgement of all that stands behind.
  Nanos earliest = std::numeric_limits<Nanos>::max();
  SendIndex of = kNotOurs;
  for (std::size_t slot = conversation.sends.size(); slot-- > 0;) {
    const SendIndex send = conversation.sends[slot];
    if (send == kNotOurs) continue;
    const SendRecord& record = sends_[send];
    if (earliest < record.sent)
      faults_.add(FaultKind::reordered,
                  fmt::format("{} seq {} was sent after {} was acknowledged", describe(send),
                              conversation.base + slot + 1, describe(of)));
    if (record.acknowledged != 0 && record.acknowledged < earliest) {
      earliest = record.acknowledged;
      of = send;
    }
  }
}

void Checker::check_members(ConversationIndex index) {
  const Conversation& conversation = conversations_[index];
  const Member* first = nullptr;
  for (MemberIndex i = 0; i < conversation.members; ++i) {
    const Member& member = at(index, i);
    if (!member.history_read) continue;
    if (member.history_head != std::max(member.history_seq, conversation.base))
      faults_.add(FaultKind::disagree,
                  fmt::format("{}: the history of user {} ends at seq {}, and says that its head "
                              "is {}",
                              name(index), member.user, member.history_seq, member.history_head));
    if (first == nullptr) first = &member;
    if (member.history_seq != first->history_seq)
      faults_.add(FaultKind::disagree,
                  fmt::format("{}: user {} reads up to seq {}, user {} up to seq {}", name(index),
                              first->user, first->history_seq, member.user, member.history_seq));
  }
}

void Checker::check_log(const Log& log) {
  const Conversation& conversation = conversations_[log.conversation];
  const std::uint64_t head = conversation.base + conversation.prints.size();
  for (std::uint64_t seq = log.base + 1; seq <= std::max(head, log.base + log.prints.size());
       ++seq) {
    const std::uint64_t slot = seq - log.base - 1;
    const std::uint64_t got = slot < log.prints.size() ? log.prints[slot] : 0;
    const std::uint64_t kept = seq <= head && seq > conversation.base
                                   ? conversation.prints[seq - conversation.base - 1]
                                   : 0;
    if (kept != 0 && got == 0)
      faults_.add(FaultKind::missing, describe(log, seq) + " never got it");
    else if (kept == 0 && got > 1)
      faults_.add(FaultKind::vanished, describe(log, seq) + " got it, the history lacks it");
    else if (kept != 0 && got > 1 && got != kept)
      faults_.add(FaultKind::two_contents,
                  describe(log, seq) + " received another content than the history has");
  }
}

void Checker::finish() {
  check_sends();
  for (ConversationIndex i = 0; i < conversations_.size(); ++i) {
    check_order(i);
    check_members(i);
  }
  for (const Log& log : logs_) check_log(log);
}

}  // namespace parley::load
