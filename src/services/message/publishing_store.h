#pragma once
#include <functional>
#include <thread>

#include "ports/conversation_store.h"
#include "ports/stream.h"

namespace parley::message {

struct PublishingSettings {
  std::chrono::milliseconds first_pause{
      50};  // before a publication again; doubles up to the longest
  std::chrono::milliseconds longest_pause{5'000};
};

/// Puts every entry that is stored on the cluster's feed, a stream: key, the conversation's text;
/// value, as `encode` makes it. For stores whose conversations have logs of their own; all but
/// `commit` is passed on.
///
/// Group entries: `done` runs, on this store's own thread, when all of the commit are published. A
/// publication that is refused or fails is repeated, from the first of the commit that failed on,
/// until the store is closed; then `done` says `unavailable`, though the entries are stored. The
/// conversation has that commit in flight meanwhile, so nothing overtakes. Whoever begins the
/// conversation next finds those entries as its tail, commits and so publishes them again: once or
/// more, in order of their first time. Direct entries: handed to the publisher and `done` at once;
/// one that is not published is only logged.
///
/// `inner` and `publisher` outlive this; destruction closes, then waits until `inner` has answered
/// what it was given, so that every `done` has run when it returns. Answers of the publisher may
/// come later.
class PublishingStore final : public ConversationStore {
 public:
  using Encode = std::function<std::string(const Entry&)>;

  PublishingStore(ConversationStore& inner, StreamPublisher& publisher, Encode encode,
                  PublishingSettings settings = {});
  ~PublishingStore() override;
  PublishingStore(const PublishingStore&) = delete;

  /// From `patience` on, what is not published by then is answered `unavailable`. Before who waits
  /// for commits is closed, or it waits for as long as the stream is away. Returns at once; any
  /// thread.
  void close(std::chrono::milliseconds patience);

  /// Commits of groups that are stored and not on the stream yet. Any thread.
  std::size_t unpublished() const;

  void commit(Generation generation, TimeMs now, std::vector<Append> group, Done done) override;

  StoreInfo info() const override { return inner_.info(); }
  Result<Begun> begin(const ConversationId& conversation, Generation generation) override {
    return inner_.begin(conversation, generation);
  }
  Result<Head> head(const ConversationId& conversation) override {
    return inner_.head(conversation);
  }
  Result<std::optional<Sent>> find(const ConversationId& conversation, UserId sender,
                                   std::string_view client_message_id) override {
    return inner_.find(conversation, sender, client_message_id);
  }
  Result<std::vector<EntryPtr>> read(const ConversationId& conversation, Seq from, Seq to,
                                     std::size_t limit, bool newest) override {
    return inner_.read(conversation, from, to, limit, newest);
  }
  Result<Seq> seek(const ConversationId& conversation, TimeMs time) override {
    return inner_.seek(conversation, time);
  }
  Result<Marks> marks(const ConversationId& conversation, UserId user) override {
    return inner_.marks(conversation, user);
  }
  Result<std::vector<Participant>> participants(const ConversationId& group, UserId after,
                                                std::size_t limit) override {
    return inner_.participants(group, after, limit);
  }
  Result<std::vector<InboxRow>> inbox(UserId user, TimeMs since,
                                      std::optional<ConversationId> after,
                                      std::size_t limit) override {
    return inner_.inbox(user, since, after, limit);
  }

 private:
  struct Publication;
  struct Shared;
  using PublicationPtr = std::shared_ptr<Publication>;

  void stored(const PublicationPtr& publication, Result<std::uint64_t> outcome);
  void publish_direct(const Publication& publication);
  void publish_group(const PublicationPtr& publication);
  void run();
  void finish(const PublicationPtr& publication, Result<std::uint64_t> outcome);

  ConversationStore& inner_;
  StreamPublisher& publisher_;
  const Encode encode_;
  const PublishingSettings settings_;
  const std::shared_ptr<Shared> shared_;  // with the publisher's answers
  std::thread thread_;
};

}  // namespace parley::message
