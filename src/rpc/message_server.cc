#include "rpc/convert.h"
#include "rpc/message.h"
#include "rpc/message_methods.h"

namespace parley::rpc {
namespace methods = message_methods;
namespace {

/// Of one connection: passes its requests on, and the answers back. Stays as long as answers may
/// come, that is with the server.
class Passing final : public MessageListener {
 public:
  explicit Passing(ConnectionPtr connection) : connection_(std::move(connection)) {}

  void take(MessageApi& messages, v1::Frame& frame) {
    if (frame.sends_size() != 0) {
      std::vector<SendRequest> sends;
      sends.reserve(static_cast<std::size_t>(frame.sends_size()));
      for (auto& request : *frame.mutable_sends())
        sends.push_back({request.token(), conversation_of(request.conversation()),
                         UserId(request.sender()), DeviceId(request.device()),
                         Origin(request.origin()), std::move(*request.mutable_client_message_id()),
                         std::move(*request.mutable_body())});
      open_ += sends.size();
      messages.send(std::move(sends), *this);
    }
    if (frame.marks_size() != 0) {
      std::vector<MarkRequest> marks;
      marks.reserve(static_cast<std::size_t>(frame.marks_size()));
      for (const auto& request : frame.marks()) {
        marks.push_back({request.token(), conversation_of(request.conversation()),
                         UserId(request.user()), Seq(request.delivered()), Seq(request.read()),
                         Origin(request.origin())});
        if (request.token() != 0) ++open_;
      }
      messages.mark(std::move(marks), *this);
    }
  }

  void on_sent(std::vector<SendAnswer> answers) override {
    for (auto& answer : answers) {
      auto& out = *connection_->add_to_frame().add_sent();
      out.set_token(answer.token);
      if (answer.sent)
        to_proto(*answer.sent, *out.mutable_head());
      else
        to_proto(answer.sent.error(), *out.mutable_failure());
    }
    open_ -= answers.size();
  }
  void on_marked(std::vector<MarkAnswer> answers) override {
    for (const auto& answer : answers) {
      auto& out = *connection_->add_to_frame().add_marked();
      out.set_token(answer.token);
      if (!answer.done) to_proto(answer.done.error(), *out.mutable_failure());
    }
    open_ -= answers.size();
  }

  bool over() const { return open_ == 0 && !connection_->is_open(); }

 private:
  const ConnectionPtr connection_;
  std::size_t open_ = 0;  // answers that are still to come
};

/// Those of one loop. Each holds its connection, so that no address comes twice.
class Passings {
 public:
  Passing& of(const ConnectionPtr& connection) {
    if (const auto at = all_.find(connection.get()); at != all_.end()) return *at->second;
    std::erase_if(all_, [](const auto& row) { return row.second->over(); });
    return *all_.emplace(connection.get(), std::make_unique<Passing>(connection)).first->second;
  }

 private:
  std::map<const Connection*, std::unique_ptr<Passing>> all_;
};

}  // namespace

void serve(Router& router, Loops& loops, MessageApi& messages) {
  auto passings = std::make_shared<std::vector<Passings>>(loops.size());
  router.on_frame([&messages, passings](const ConnectionPtr& connection, v1::Frame& frame) {
    if (frame.sends_size() != 0 || frame.marks_size() != 0)
      (*passings)[connection->loop()].of(connection).take(messages, frame);
  });

  router.on_call(methods::kChanges,
                 [&messages](v1::ChangesRequest request) -> Awaitable<Result<v1::ChangesAnswer>> {
                   const Cursor since{request.epoch(), TimeMs(request.time_ms())};
                   PARLEY_CO_TRY(found, co_await messages.changes(UserId(request.user()), since));
                   v1::ChangesAnswer answer;
                   for (const auto& change : found.changes) {
                     auto& row = *answer.add_changes();
                     to_proto(change.view, *row.mutable_view());
                     row.set_from(change.from.value);
                   }
                   answer.set_epoch(found.cursor.epoch);
                   answer.set_time_ms(found.cursor.time.value);
                   co_return answer;
                 });
  router.on_call(methods::kEntries,
                 [&messages](v1::EntriesRequest request) -> Awaitable<Result<v1::EntriesAnswer>> {
                   PARLEY_CO_TRY(
                       found, co_await messages.entries(
                                  UserId(request.asker()), conversation_of(request.conversation()),
                                  Seq(request.from()), Seq(request.to()), request.limit()));
                   v1::EntriesAnswer answer;
                   for (const auto& entry : found) to_proto(*entry, *answer.add_entries());
                   co_return answer;
                 });
  router.on_call(methods::kHistory,
                 [&messages](v1::HistoryRequest request) -> Awaitable<Result<v1::HistoryAnswer>> {
                   const HistoryQuery query{static_cast<HistoryQuery::From>(request.from()),
                                            request.at(), request.limit()};
                   PARLEY_CO_TRY(page, co_await messages.history(
                                           UserId(request.asker()),
                                           conversation_of(request.conversation()), query));
                   v1::HistoryAnswer answer;
                   for (const auto& entry : page.entries) to_proto(*entry, *answer.add_entries());
                   to_proto(page.head, *answer.mutable_head());
                   answer.set_more_before(page.more_before);
                   answer.set_more_after(page.more_after);
                   co_return answer;
                 });
  router.on_call(
      methods::kHead, [&messages](v1::HeadRequest request) -> Awaitable<Result<v1::HeadAnswer>> {
        PARLEY_CO_TRY(head, co_await messages.head(conversation_of(request.conversation())));
        v1::HeadAnswer answer;
        to_proto(head, *answer.mutable_head());
        co_return answer;
      });
  router.on_call(methods::kAppend,
                 [&messages](v1::AppendRequest request) -> Awaitable<Result<v1::HeadAnswer>> {
                   PARLEY_CO_TRY(head, co_await messages.append(GroupId(request.group()),
                                                                UserId(request.actor()),
                                                                from_proto(request.change())));
                   v1::HeadAnswer answer;
                   to_proto(head, *answer.mutable_head());
                   co_return answer;
                 });
  router.on_call(
      methods::kMarks, [&messages](v1::MarksRequest request) -> Awaitable<Result<v1::MarksAnswer>> {
        PARLEY_CO_TRY(found, co_await messages.marks(conversation_of(request.conversation()),
                                                     ids_of<UserId>(request.users())));
        v1::MarksAnswer answer;
        for (const auto& marks : found) to_proto(marks, *answer.add_marks());
        co_return answer;
      });
  router.on_call(methods::kReceipts,
                 [&messages](v1::ReceiptsRequest request) -> Awaitable<Result<v1::ReceiptsAnswer>> {
                   PARLEY_CO_TRY(found,
                                 co_await messages.receipts(UserId(request.asker()),
                                                            conversation_of(request.conversation()),
                                                            Seq(request.seq())));
                   v1::ReceiptsAnswer answer;
                   answer.set_members(found.members);
                   answer.set_delivered(found.delivered);
                   answer.set_read(found.read);
                   add_marks(found.each, *answer.mutable_each());
                   co_return answer;
                 });
  router.on_call(methods::kVisible,
                 [&messages](v1::VisibleRequest request) -> Awaitable<Result<v1::VisibleAnswer>> {
                   PARLEY_CO_TRY(found, co_await messages.visible(UserId(request.asker()),
                                                                  ids_of<UserId>(request.users())));
                   v1::VisibleAnswer answer;
                   add_ids(found, *answer.mutable_users());
                   co_return answer;
                 });
  router.on_call(methods::kView,
                 [&messages](v1::ViewRequest request) -> Awaitable<Result<v1::ConversationView>> {
                   PARLEY_CO_TRY(view,
                                 co_await messages.view(UserId(request.asker()),
                                                        conversation_of(request.conversation())));
                   v1::ConversationView answer;
                   to_proto(view, answer);
                   co_return answer;
                 });
  router.on_call(
      methods::kConversations,
      [&messages](v1::ConversationsRequest request) -> Awaitable<Result<v1::ConversationsAnswer>> {
        std::optional<ConversationId> after;
        if (!request.after().empty()) after = conversation_of(request.after());
        PARLEY_CO_TRY(
            found, co_await messages.conversations(UserId(request.user()), after, request.limit()));
        v1::ConversationsAnswer answer;
        for (const auto& view : found) to_proto(view, *answer.add_conversations());
        co_return answer;
      });
}

}  // namespace parley::rpc
