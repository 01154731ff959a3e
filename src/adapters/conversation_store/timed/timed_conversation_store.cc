#include "adapters/conversation_store/timed/timed_conversation_store.h"

namespace parley {

TimedConversationStore::TimedConversationStore(ConversationStore& inner, Metrics& metrics,
                                               const std::string& store)
    : inner_(inner),
      commit_(metrics, store, "commit"),
      begin_(metrics, store, "begin"),
      head_(metrics, store, "head", !inner.info().one_log),
      find_(metrics, store, "find", !inner.info().one_log),
      read_(metrics, store, "read", !inner.info().one_log),
      seek_(metrics, store, "seek"),
      marks_(metrics, store, "marks", !inner.info().one_log),
      participants_(metrics, store, "participants"),
      inbox_(metrics, store, "inbox") {}

void TimedConversationStore::commit(Generation generation, TimeMs now, std::vector<Append> group,
                                    Done done) {
  inner_.commit(generation, now, std::move(group),
                [&of = commit_, since = std::chrono::steady_clock::now(),
                 done = std::move(done)](Result<std::uint64_t> outcome) mutable {
                  of.took->observe(std::chrono::steady_clock::now() - since);
                  if (!outcome) of.failed.add();
                  done(std::move(outcome));
                });
}

Result<Begun> TimedConversationStore::begin(const ConversationId& conversation,
                                            Generation generation) {
  return timed(begin_, [&] { return inner_.begin(conversation, generation); });
}
Result<Head> TimedConversationStore::head(const ConversationId& conversation) {
  return timed(head_, [&] { return inner_.head(conversation); });
}
Result<std::optional<Sent>> TimedConversationStore::find(const ConversationId& conversation,
                                                         UserId sender,
                                                         std::string_view client_message_id) {
  return timed(find_, [&] { return inner_.find(conversation, sender, client_message_id); });
}
Result<std::vector<EntryPtr>> TimedConversationStore::read(const ConversationId& conversation,
                                                           Seq from, Seq to, std::size_t limit,
                                                           bool newest) {
  return timed(read_, [&] { return inner_.read(conversation, from, to, limit, newest); });
}
Result<Seq> TimedConversationStore::seek(const ConversationId& conversation, TimeMs time) {
  return timed(seek_, [&] { return inner_.seek(conversation, time); });
}
Result<Marks> TimedConversationStore::marks(const ConversationId& conversation, UserId user) {
  return timed(marks_, [&] { return inner_.marks(conversation, user); });
}
Result<std::vector<Participant>> TimedConversationStore::participants(const ConversationId& group,
                                                                      UserId after,
                                                                      std::size_t limit) {
  return timed(participants_, [&] { return inner_.participants(group, after, limit); });
}
Result<std::vector<InboxRow>> TimedConversationStore::inbox(UserId user, TimeMs since,
                                                            std::optional<ConversationId> after,
                                                            std::size_t limit) {
  return timed(inbox_, [&] { return inner_.inbox(user, since, std::move(after), limit); });
}

}  // namespace parley
