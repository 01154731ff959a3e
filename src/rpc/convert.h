#pragma once
#include "api/delivery.h"
#include "domain/push.h"
#include "parley/rpc/v1/link.pb.h"
#include "parley/rpc/v1/message.pb.h"
#include "rpc/failure.h"

/// Between the values of domain/ and api/ and their messages.
namespace parley::rpc {
namespace store = parley::store::v1;

template <class Id>
void add_ids(const std::vector<Id>& from, google::protobuf::RepeatedField<std::uint64_t>& to) {
  to.Reserve(to.size() + static_cast<int>(from.size()));
  for (auto id : from) to.AddAlreadyReserved(id.value);
}
template <class Id>
std::vector<Id> ids_of(const google::protobuf::RepeatedField<std::uint64_t>& from) {
  std::vector<Id> out;
  out.reserve(static_cast<std::size_t>(from.size()));
  for (auto id : from) out.emplace_back(id);
  return out;
}

/// Not a key: the empty conversation, which nobody is in.
ConversationId conversation_of(const std::string& key);

void to_proto(const Head& head, store::Head& out);
Head from_proto(const store::Head& head);
void to_proto(const Marks& marks, store::Marks& out);
Marks from_proto(const store::Marks& marks);
void to_proto(const GroupChange& change, store::GroupChange& out);
GroupChange from_proto(const store::GroupChange& change);
void to_proto(const Entry& entry, v1::Entry& out);
EntryPtr from_proto(v1::Entry& entry);  // takes its texts
void to_proto(const ConversationView& view, v1::ConversationView& out);
ConversationView from_proto(const v1::ConversationView& view);
void to_proto(const PresenceView& view, v1::PresenceView& out);
PresenceView from_proto(const v1::PresenceView& view);

std::vector<EntryPtr> entries_of(google::protobuf::RepeatedPtrField<v1::Entry>& entries);
using UserMarks = std::vector<std::pair<UserId, Marks>>;
void add_marks(const UserMarks& from, google::protobuf::RepeatedPtrField<v1::UserMarks>& to);
UserMarks marks_of(const google::protobuf::RepeatedPtrField<v1::UserMarks>& from);

/// Of an answer with a token: nothing but its failure, if there is one.
inline Result<void> result_of(const v1::Answer& answer) {
  if (answer.has_failure()) return std::unexpected(from_proto(answer.failure()));
  return {};
}

}  // namespace parley::rpc
