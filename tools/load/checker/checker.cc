#include "checker/checker.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <limits>

#include "checker/hash.h"

namespace parley::load {
namespace {

// Slots of a log: not received; known from the acknowledgement of the device's own send. A
// fingerprint is neither.
constexpr std::uint64_t kAbsent = 0;
constexpr std::uint64_t kOwn = 1;
// A seq this far beyond all that is known is nonsense and must not make us allocate.
constexpr std::uint64_t kFarthest = 50'000'000;

}  // namespace

std::uint64_t fingerprint(const v1::Entry& entry) {
  std::uint64_t hash = hash_bytes(entry.client_message_id(), entry.seq());
  hash = hash_bytes(entry.body().text(), hash);
  hash = mix(hash, entry.message_id());
  hash = mix(hash, entry.sender());
  hash = mix(hash, static_cast<std::uint64_t>(entry.time_ms()));
  return mix(hash, entry.countable()) | 2U;
}

ConversationIndex Checker::add_conversation(std::uint64_t first_user, std::uint64_t second_user) {
  return add_group({}, std::array{first_user, second_user});
}

ConversationIndex Checker::add_group(std::string name, std::span<const std::uint64_t> users) {
  conversations_.push_back({.first_member = members_.size(),
                            .members = static_cast<MemberIndex>(users.size()),
                            .name = std::move(name)});
  for (const std::uint64_t user : users) members_.push_back({.user = user, .unread_before = {}});
  return static_cast<ConversationIndex>(conversations_.size() - 1);
}

LogIndex Checker::add_log(ConversationIndex conversation, MemberIndex member,
                          std::uint64_t device) {
  logs_.push_back({.conversation = conversation, .member = member, .prints = {}, .device = device});
  return static_cast<LogIndex>(logs_.size() - 1);
}

void Checker::began_at(LogIndex log, std::uint64_t head) {
  Log& own = logs_[log];
  own.base = own.held = head;
  Conversation& conversation = conversations_[own.conversation];
  conversation.base = conversation.based ? std::min(conversation.base, head) : head;
  conversation.based = true;
}

void Checker::began_unread(ConversationIndex conversation, MemberIndex member,
                           std::uint64_t unread) {
  at(conversation, member).unread_before = unread;
}

SendIndex Checker::add_send(ConversationIndex conversation, MemberIndex member,
                            std::uint64_t body_hash, Nanos intended) {
  sends_.push_back({.intended = intended,
                    .body_hash = body_hash,
                    .conversation = conversation,
                    .member = member});
  return static_cast<SendIndex>(sends_.size() - 1);
}

void Checker::sent(SendIndex send, Nanos now) {
  if (sends_[send].sent == 0) sends_[send].sent = now;
  conversations_[sends_[send].conversation].used = true;
}

bool Checker::acknowledged(SendIndex send, LogIndex log, const v1::Sent& answer, Nanos now) {
  SendRecord& record = sends_[send];
  if (record.acknowledged != 0) {
    if (record.seq != answer.seq() || record.message_id != answer.message_id())
      faults_.add(FaultKind::doubled,
                  fmt::format("{} was answered again with seq {} and message_id {}", describe(send),
                              answer.seq(), answer.message_id()));
    return false;
  }
  record.acknowledged = now;
  record.seq = static_cast<std::uint32_t>(answer.seq());
  record.message_id = answer.message_id();
  Conversation& conversation = conversations_[record.conversation];
  Member& member = at(record.conversation, record.member);
  conversation.acknowledged = std::max(conversation.acknowledged, answer.seq());
  member.last_own = std::max(member.last_own, answer.seq());
  member.read = std::max(member.read, answer.seq());
  store(logs_[log], answer.seq(), kOwn);
  return true;
}

void Checker::interrupted(std::int64_t unix_ms, const std::vector<SendIndex>& caught) {
  if (interruptions_.size() == std::numeric_limits<std::uint8_t>::max()) return;
  interruptions_.push_back({.unix_ms = unix_ms, .unanswered = caught.size()});
  for (const SendIndex send : caught)
    sends_[send].interruption = static_cast<std::uint8_t>(interruptions_.size());
}

void Checker::store(Log& log, std::uint64_t seq, std::uint64_t print) {
  if (seq <= log.base) return;
  const std::uint64_t slot = seq - log.base - 1;
  if (slot > log.prints.size() + kFarthest) {
    faults_.add(FaultKind::foreign,
                fmt::format("{} seq {} is far beyond the log's end", name(log.conversation), seq));
    return;
  }
  if (slot >= log.prints.size()) log.prints.resize(slot + 1, kAbsent);
  if (log.prints[slot] <= kOwn) log.prints[slot] = std::max(log.prints[slot], print);
  while (log.held < log.base + log.prints.size() && log.prints[log.held - log.base] != kAbsent)
    ++log.held;
}

bool Checker::received(LogIndex index, const v1::Entry& entry) {
  Log& log = logs_[index];
  if (entry.seq() <= log.base) return false;
  const std::uint64_t slot = entry.seq() - log.base - 1;
  const std::uint64_t known = slot < log.prints.size() ? log.prints[slot] : kAbsent;
  const std::uint64_t print = fingerprint(entry);
  if (known > kOwn) {
    if (known != print)
      faults_.add(
          FaultKind::two_contents,
          fmt::format("{} received two contents, the second with message_id {}, "
                      "client_message_id {}",
                      describe(log, entry.seq()), entry.message_id(), entry.client_message_id()));
    return false;
  }
  store(log, entry.seq(), print);
  return known == kAbsent;
}

void Checker::read_confirmed(ConversationIndex conversation, MemberIndex member,
                             std::uint64_t seq) {
  auto& read = at(conversation, member).read;
  read = std::max(read, seq);
}

void Checker::delivered_seen(ConversationIndex conversation, MemberIndex member,
                             std::uint64_t seq) {
  auto& delivered = at(conversation, member).peer_delivered;
  delivered = std::max(delivered, seq);
}

std::string Checker::name(ConversationIndex conversation) const {
  const std::string& given = conversations_[conversation].name;
  if (!given.empty()) return given;
  return fmt::format("d:{}:{}", at(conversation, 0).user, at(conversation, 1).user);
}

std::string Checker::describe(const Log& log, std::uint64_t seq) const {
  return fmt::format("{} seq {}: device {} of user {}", name(log.conversation), seq, log.device,
                     at(log.conversation, log.member).user);
}

std::string Checker::describe(SendIndex index) const {
  const SendRecord& record = sends_[index];
  std::string text =
      fmt::format("{} client_message_id {}", name(record.conversation), ids_.make(index));
  if (record.acknowledged != 0)
    text += fmt::format(" (acknowledged as seq {}, message_id {})", record.seq, record.message_id);
  return text;
}

}  // namespace parley::load
