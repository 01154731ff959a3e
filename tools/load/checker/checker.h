#pragma once
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checker/fault.h"
#include "checker/send_id.h"
#include "parley/v1/frames.pb.h"

namespace parley::load {

using ConversationIndex = std::uint32_t;
/// A member's place in its conversation; in a direct one 0 is who has the smaller id.
using MemberIndex = std::uint32_t;
/// One device's copy of one conversation.
using LogIndex = std::uint32_t;
/// Nanoseconds on the client's monotonic clock.
using Nanos = std::int64_t;

/// One send, from the moment it was meant to be made.
struct SendRecord {
  Nanos intended = 0;
  Nanos sent = 0;          // first put on a wire; 0: not yet
  Nanos acknowledged = 0;  // 0: not yet
  std::uint64_t message_id = 0;
  std::uint64_t body_hash = 0;
  std::uint32_t seq = 0;         // as acknowledged
  std::uint32_t stored_seq = 0;  // as the history has it
  ConversationIndex conversation = 0;
  MemberIndex member = 0;
  bool refused = false;           // answered by an error that says that it was not stored
  std::uint8_t interruption = 0;  // the last one that caught it unanswered, from 1
};

/// The server vanished under load.
struct Interruption {
  std::int64_t unix_ms = 0;      // when
  std::uint64_t unanswered = 0;  // sends that were under way
  std::uint64_t stored = 0;      // of those, what the history shows to have been stored by then
};

/// Knows what clients were told and compares it with what the server keeps: the judge of loads and
/// fault tests. It is told of every send, acknowledgement, received entry, mark and count as it
/// happens, and of the full history at the end. Needs about 64 bytes per send, 12 per entry, 8 per
/// entry and device. One thread.
class Checker {
 public:
  explicit Checker(SendIds ids) : ids_(std::move(ids)) {}

  ConversationIndex add_conversation(std::uint64_t first_user, std::uint64_t second_user);
  /// A group whose members stay who they are while it is judged.
  ConversationIndex add_group(std::string name, std::span<const std::uint64_t> users);
  LogIndex add_log(ConversationIndex conversation, MemberIndex member, std::uint64_t device);

  /// What a device is told of a conversation before the run: entries up to `head` are not judged.
  void began_at(LogIndex log, std::uint64_t head);
  /// A member's unread count before the run.
  void began_unread(ConversationIndex conversation, MemberIndex member, std::uint64_t unread);

  SendIndex add_send(ConversationIndex conversation, MemberIndex member, std::uint64_t body_hash,
                     Nanos intended);
  void sent(SendIndex send, Nanos now);
  /// Returns whether this is the first acknowledgement. `log`: of the device that sent it, which
  /// thereby holds the entry.
  bool acknowledged(SendIndex send, LogIndex log, const v1::Sent& answer, Nanos now);
  void refused(SendIndex send) { sends_[send].refused = true; }
  /// The server vanished; `caught` names the sends that had no answer. At most 255 times.
  void interrupted(std::int64_t unix_ms, const std::vector<SendIndex>& caught);

  /// An entry as a device received it, by whatever way. Returns whether it is new to the device.
  bool received(LogIndex log, const v1::Entry& entry);
  /// A read mark that the server confirmed.
  void read_confirmed(ConversationIndex conversation, MemberIndex member, std::uint64_t seq);
  /// Of a direct conversation: a member was told that the other one's devices hold everything up to
  /// `seq`.
  void delivered_seen(ConversationIndex conversation, MemberIndex member, std::uint64_t seq);

  /// The end: each member's history, by rising seq from `first_judged` on, and its head.
  void history(ConversationIndex conversation, MemberIndex member, const v1::Entry& entry);
  void history_end(ConversationIndex conversation, MemberIndex member, std::uint64_t head);
  /// A member's own view when all is quiet; call it after that conversation's history.
  void view(ConversationIndex conversation, MemberIndex member, const v1::Conversation& view);
  /// Compares all. Call it once, after the histories, and before devices read anything more.
  void finish();

  const SendIds& ids() const { return ids_; }
  const SendRecord& send(SendIndex index) const { return sends_[index]; }
  std::size_t send_count() const { return sends_.size(); }
  std::size_t conversation_count() const { return conversations_.size(); }
  /// Whether anything was sent there.
  bool was_used(ConversationIndex conversation) const { return conversations_[conversation].used; }
  std::uint64_t first_judged(ConversationIndex conversation) const {
    return conversations_[conversation].base + 1;
  }
  /// Everything up to here is held by the device.
  std::uint64_t held_up_to(LogIndex log) const { return logs_[log].held; }
  /// The highest seq of which the device knows.
  std::uint64_t highest(LogIndex log) const { return logs_[log].base + logs_[log].prints.size(); }
  std::uint64_t highest_acknowledged(ConversationIndex conversation) const {
    return conversations_[conversation].acknowledged;
  }
  /// The member's own last acknowledged entry, and up to where it knows the other to hold all.
  std::uint64_t last_own(ConversationIndex conversation, MemberIndex member) const {
    return at(conversation, member).last_own;
  }
  std::uint64_t delivered_known(ConversationIndex conversation, MemberIndex member) const {
    return at(conversation, member).peer_delivered;
  }
  ConversationIndex conversation_of(LogIndex log) const { return logs_[log].conversation; }
  MemberIndex members(ConversationIndex conversation) const {
    return conversations_[conversation].members;
  }
  /// The read mark that follows from the member's own sends and confirmed reads.
  std::uint64_t read_up_to(ConversationIndex conversation, MemberIndex member) const {
    return at(conversation, member).read;
  }
  std::string name(ConversationIndex conversation) const;

  const std::vector<Interruption>& interruptions() const { return interruptions_; }
  Faults& faults() { return faults_; }
  const Faults& faults() const { return faults_; }

 private:
  struct Member {
    std::uint64_t user;
    std::uint64_t read = 0;  // own sends and confirmed reads
    std::uint64_t last_own = 0;
    std::uint64_t peer_delivered = 0;
    std::optional<std::uint64_t> unread_before;
    std::uint64_t history_seq = 0;  // the last one that this member read
    std::uint64_t history_message_id = 0;
    std::uint64_t history_countable = 0;
    std::uint64_t history_head = 0;
    bool history_read = false;
  };
  struct Conversation {
    std::size_t first_member;  // in members_
    MemberIndex members;
    std::string name;  // of a group
    std::uint64_t base = 0;
    bool based = false;
    bool used = false;
    std::uint64_t acknowledged = 0;
    std::vector<std::uint64_t> prints = {};  // of the history from base + 1; 0: not read
    std::vector<SendIndex> sends = {};       // likewise
  };
  struct Log {
    ConversationIndex conversation;
    MemberIndex member;
    std::uint64_t base = 0;
    std::uint64_t held = 0;
    std::vector<std::uint64_t> prints;  // from base + 1; kAbsent, kOwn, or a fingerprint
    std::uint64_t device;
  };

  Member& at(ConversationIndex conversation, MemberIndex member) {
    return members_[conversations_[conversation].first_member + member];
  }
  const Member& at(ConversationIndex conversation, MemberIndex member) const {
    return members_[conversations_[conversation].first_member + member];
  }
  void store(Log& log, std::uint64_t seq, std::uint64_t print);
  void judge_stored(ConversationIndex index, const v1::Entry& entry);
  void check_sends();
  void check_order(ConversationIndex index);
  void check_members(ConversationIndex index);
  void check_log(const Log& log);
  std::string describe(SendIndex send) const;
  std::string describe(const Log& log, std::uint64_t seq) const;

  SendIds ids_;
  std::vector<SendRecord> sends_;
  std::vector<Conversation> conversations_;
  std::vector<Member> members_;  // of all conversations
  std::vector<Log> logs_;
  std::vector<Interruption> interruptions_;
  Faults faults_;
};

/// Tells contents of entries apart.
std::uint64_t fingerprint(const v1::Entry& entry);

}  // namespace parley::load
