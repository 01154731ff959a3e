#pragma once
#include "base/metrics.h"
#include "ports/conversation_store.h"

namespace parley {

/// `inner`, and what its operations take, in `metrics` as those of `store`. Both outlive it.
class TimedConversationStore final : public ConversationStore {
 public:
  TimedConversationStore(ConversationStore& inner, Metrics& metrics, const std::string& store);

  StoreInfo info() const override { return inner_.info(); }
  void commit(Generation generation, TimeMs now, std::vector<Append> group, Done done) override;
  Result<Begun> begin(const ConversationId& conversation, Generation generation) override;
  Result<Head> head(const ConversationId& conversation) override;
  Result<std::optional<Sent>> find(const ConversationId& conversation, UserId sender,
                                   std::string_view client_message_id) override;
  Result<std::vector<EntryPtr>> read(const ConversationId& conversation, Seq from, Seq to,
                                     std::size_t limit, bool newest) override;
  Result<Seq> seek(const ConversationId& conversation, TimeMs time) override;
  Result<Marks> marks(const ConversationId& conversation, UserId user) override;
  Result<std::vector<Participant>> participants(const ConversationId& group, UserId after,
                                                std::size_t limit) override;
  Result<std::vector<InboxRow>> inbox(UserId user, TimeMs since,
                                      std::optional<ConversationId> after,
                                      std::size_t limit) override;

 private:
  struct Operation {
    Operation(Metrics& metrics, const std::string& store, const char* name, bool timed = true)
        : took(timed ? &metrics.store_seconds(store, name) : nullptr),
          failed(metrics.store_failures(store, name)) {}
    Histogram* took;
    Metric& failed;
  };
  template <class Call>
  static std::invoke_result_t<Call> timed(Operation& operation, Call call) {
    const Stopwatch watch(operation.took);
    auto result = call();
    // A QuickReads that is refused is read again at leisure.
    if (!result && result.error().code != Code::busy) operation.failed.add();
    return result;
  }

  ConversationStore& inner_;
  Operation commit_, begin_, head_, find_, read_, seek_, marks_, participants_, inbox_;
};

}  // namespace parley
