#include "adapters/conversation_store/rocksdb/flush.h"

#include <algorithm>
#include <fmt/format.h>
#include <tuple>

#include "domain/text.h"
#include "parley/store/v1/store.pb.h"

namespace parley {
namespace {

constexpr std::string_view kStateKey = "state";

using Conversations =
    std::vector<std::pair<const ConversationId*, const Tail::Conversation*>>;  // by key

Conversations sorted_conversations(const Tail& tail) {
  Conversations sorted;
  sorted.reserve(tail.conversations().size());
  for (const auto& [id, of] : tail.conversations()) sorted.emplace_back(&id, &of);
  std::ranges::sort(sorted, {}, [](const auto& c) -> const ConversationId& { return *c.first; });
  return sorted;
}

Result<void> write_entries(const Tail& tail, const Conversations& conversations,
                           Generation generation, Index::Writer& to) {
  std::string value;
  for (const auto& [id, of] : conversations) {
    rows::encode_head(tail.head(*of), value);
    PARLEY_TRY_VOID(to.add(rows::entry_key(*id, Seq(0)), value));
    for (std::size_t i = 0; i < of->entries.size(); ++i) {
      const Seq seq(of->first.value + i);
      rows::encode_entry(*tail.entry(*of, seq), generation, value);
      PARLEY_TRY_VOID(to.add(rows::entry_key(*id, seq), value));
    }
  }
  return {};
}

Result<void> write_idem(const Tail& tail, const Conversations& conversations, Index::Writer& to) {
  std::vector<const Entry*> sent;
  std::string value;
  const auto key = [](const Entry* e) {
    return std::tuple(e->sender, std::string_view(e->client_message_id), e->seq);
  };
  for (const auto& [id, of] : conversations) {
    sent.clear();
    for (std::size_t i = 0; i < of->entries.size(); ++i) {
      const auto* entry = tail.entry(*of, Seq(of->first.value + i)).get();
      if (!entry->client_message_id.empty()) sent.push_back(entry);
    }
    std::ranges::sort(sent, {}, key);
    const Entry* last = nullptr;
    for (const auto* entry : sent) {
      if (last != nullptr && last->sender == entry->sender &&
          last->client_message_id == entry->client_message_id)
        continue;  // the first one counts
      last = entry;
      rows::encode_sent({entry->seq, hash_bytes(entry->body)}, value);
      PARLEY_TRY_VOID(to.add(rows::sent_key(*id, entry->sender, entry->client_message_id), value));
    }
  }
  return {};
}

Result<void> write_participants(const Tail& tail, Index::Writer& inbox, Index::Writer& marks) {
  std::vector<const Tail::Participant*> sorted;
  sorted.reserve(tail.participants().size());
  for (const auto& participant : tail.participants()) sorted.push_back(&participant);
  std::string value;
  std::ranges::sort(sorted, {}, [](const auto* p) {
    return std::tuple<const ConversationId&, UserId>(p->conversation, p->user);
  });
  for (const auto* p : sorted) {
    if (!p->has_marks) continue;
    rows::encode_marks(p->marks, value);
    PARLEY_TRY_VOID(marks.add(rows::marks_key(p->conversation, p->user), value));
  }
  std::ranges::sort(sorted, {}, [](const auto* p) {
    return std::tuple<UserId, const ConversationId&>(p->user, p->conversation);
  });
  for (const auto* p : sorted) {
    if (!p->has_inbox) continue;
    rows::encode_inbox(p->inbox(), value);
    PARLEY_TRY_VOID(inbox.add(rows::inbox_key(p->user, p->conversation), value));
  }
  return {};
}

/// Rows that were trimmed meanwhile are not written at all; those that the tables have, since
/// `before` was trimmed, are deleted. They are all of earlier flushes, so that no row of this file
/// lies among them.
Result<void> write_feed(const Tail& tail, std::uint64_t before, std::uint64_t trimmed,
                        Index::Writer& to) {
  const auto end = std::min(trimmed + 1, tail.first_feed());
  if (before + 1 < end) PARLEY_TRY_VOID(to.remove(rows::feed_key(before + 1), rows::feed_key(end)));
  std::string value;
  for (auto position = std::max(tail.first_feed(), trimmed + 1); position <= tail.last_feed();
       ++position) {
    const auto& entry = *tail.feed_entry(position);
    rows::encode_feed(entry.conversation, entry.seq, value);
    PARLEY_TRY_VOID(to.add(rows::feed_key(position), value));
  }
  return {};
}

Result<void> write_state(const StoreState& state, Index::Writer& to) {
  store::v1::State value;
  value.set_covered(state.covered);
  value.set_feed(state.feed);
  value.set_last_issued(state.last_issued);
  value.set_generation(state.generation.value);
  for (const auto& [consumer, position] : state.consumers)
    (*value.mutable_consumers())[consumer] = position;
  value.set_trimmed(state.trimmed);
  return to.add(kStateKey, value.SerializeAsString());
}

void clear(const std::string& folder, rocksdb::Env& env) {
  env.CreateDirIfMissing(folder).PermitUncheckedError();
  std::vector<std::string> names;
  env.GetChildren(folder, &names).PermitUncheckedError();
  for (const auto& name : names)
    if (name.ends_with(".sst")) env.DeleteFile(folder + "/" + name).PermitUncheckedError();
}

}  // namespace

Result<void> flush(Index& index, const Tail& tail, const StoreState& state,
                   const std::string& folder, rocksdb::Env& env) {
  clear(folder, env);
  const auto before = read_state(index);
  if (!before && before.error().code != Code::not_found) return std::unexpected(before.error());
  const auto trimmed_before = before ? before->trimmed : 0;
  const auto path = [&](Table table) {
    return fmt::format("{}/{}.sst", folder, static_cast<std::size_t>(table));
  };
  const auto conversations = sorted_conversations(tail);
  std::array<std::string, kTables> files;
  const auto write = [&](Table table, auto fill) -> Result<void> {
    Index::Writer writer(index, table, path(table));
    PARLEY_TRY_VOID(fill(writer));
    PARLEY_TRY(any, writer.finish());
    if (any) files[static_cast<std::size_t>(table)] = path(table);
    return {};
  };
  const auto all = [&]() -> Result<void> {
    PARLEY_TRY_VOID(write(Table::entries, [&](Index::Writer& to) {
      return write_entries(tail, conversations, state.generation, to);
    }));
    PARLEY_TRY_VOID(
        write(Table::idem, [&](Index::Writer& to) { return write_idem(tail, conversations, to); }));
    PARLEY_TRY_VOID(write(Table::inbox, [&](Index::Writer& inbox) {
      return write(Table::marks,
                   [&](Index::Writer& marks) { return write_participants(tail, inbox, marks); });
    }));
    PARLEY_TRY_VOID(write(Table::feed, [&](Index::Writer& to) {
      return write_feed(tail, trimmed_before, state.trimmed, to);
    }));
    PARLEY_TRY_VOID(write(Table::meta, [&](Index::Writer& to) { return write_state(state, to); }));
    return index.ingest(files);
  };
  auto done = all();
  if (!done) clear(folder, env);  // frees the space at once
  return done;
}

Result<StoreState> read_state(Index& index) {
  rocksdb::PinnableSlice bytes;
  PARLEY_TRY(found, index.get(Table::meta, kStateKey, bytes));
  if (!found) return fail(Code::not_found, "the store was not flushed yet");
  store::v1::State value;
  if (!value.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return fail(Code::damaged, "the store's state cannot be read: restore it from a backup");
  StoreState state{
      value.covered(), value.feed(), value.last_issued(), Generation(value.generation()), {},
      value.trimmed()};
  for (const auto& [consumer, position] : value.consumers()) state.consumers[consumer] = position;
  return state;
}

}  // namespace parley
