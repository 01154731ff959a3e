#include "rpc/message.h"

#include "base/check.h"
#include "rpc/convert.h"
#include "rpc/message_methods.h"

namespace parley::rpc {
namespace methods = message_methods;
namespace {

constexpr std::chrono::seconds kAnswerWithin{10};
Error late() { return timed_out("the message service did not answer in time: send it again"); }

void give(MessageListener& listener, std::vector<SendAnswer> answers) {
  listener.on_sent(std::move(answers));
}
void give(MessageListener& listener, std::vector<MarkAnswer> answers) {
  listener.on_marked(std::move(answers));
}

}  // namespace

template <class Answer>
class MessageClient::Answers {
 public:
  explicit Answers(Link& link) : link_(link) {}
  ~Answers() {
    for (auto& part : parts_)
      boost::asio::post(link_.loops().at(part.loop),
                        [listener = part.listener, answers = std::move(part.answers)]() mutable {
                          give(*listener, std::move(answers));
                        });
  }
  template <class Outcome>
  void add(const Asked& to, Outcome outcome) {
    auto part = std::ranges::find_if(
        parts_, [&](const Part& p) { return p.listener == to.listener && p.loop == to.loop; });
    if (part == parts_.end()) part = parts_.insert(part, {to.listener, to.loop, {}});
    part->answers.push_back({to.token, std::move(outcome)});
  }

 private:
  struct Part {
    MessageListener* listener;
    std::size_t loop;
    std::vector<Answer> answers;
  };
  Link& link_;
  std::vector<Part> parts_;
};

MessageClient::MessageClient(Link& link)
    : link_(link), sends_(link, kAnswerWithin), marks_(link, kAnswerWithin) {
  link.add(*this);
}

void MessageClient::send(std::vector<SendRequest> batch, MessageListener& listener) {
  const auto loop = link_.loops().current();
  PARLEY_CHECK(loop < link_.loops().size(), "send is called on a loop");
  link_.post([this, batch = std::move(batch), &listener, loop]() mutable {
    Answers<SendAnswer> refused(link_);
    for (auto& request : batch) {
      const Asked asked{request.token, &listener, loop};
      if (auto admitted = link_.admit(); !admitted) {
        refused.add(asked, std::unexpected(std::move(admitted).error()));
        continue;
      }
      auto& out = *link_.add_to_frame(request.body.size() + 100).add_sends();
      out.set_token(sends_.add(asked));
      out.set_conversation(request.conversation.key());
      out.set_sender(request.sender.value);
      out.set_device(request.device.value);
      out.set_origin(request.origin.value);
      out.set_client_message_id(std::move(request.client_message_id));
      out.set_body(std::move(request.body));
    }
  });
}

void MessageClient::mark(std::vector<MarkRequest> batch, MessageListener& listener) {
  const auto loop = link_.loops().current();
  PARLEY_CHECK(loop < link_.loops().size(), "mark is called on a loop");
  link_.post([this, batch = std::move(batch), &listener, loop]() mutable {
    Answers<MarkAnswer> refused(link_);
    for (auto& request : batch) {
      const bool answered = request.token != 0;
      const Asked asked{request.token, &listener, loop};
      if (auto admitted = link_.admit(); !admitted) {
        if (answered) refused.add(asked, std::unexpected(std::move(admitted).error()));
        continue;
      }
      auto& out = *link_.add_to_frame(60).add_marks();
      if (answered) out.set_token(marks_.add(asked));
      out.set_conversation(request.conversation.key());
      out.set_user(request.user.value);
      out.set_delivered(request.delivered.value);
      out.set_read(request.read.value);
      out.set_origin(request.origin.value);
    }
  });
}

void MessageClient::on_frame(v1::Frame& frame) {
  Answers<SendAnswer> sent(link_);
  for (const auto& answer : frame.sent())
    if (auto asked = sends_.take(answer.token())) {
      if (answer.has_failure())
        sent.add(*asked, Result<Head>(std::unexpected(from_proto(answer.failure()))));
      else
        sent.add(*asked, Result<Head>(from_proto(answer.head())));
    }
  Answers<MarkAnswer> marked(link_);
  for (const auto& answer : frame.marked())
    if (auto asked = marks_.take(answer.token())) marked.add(*asked, result_of(answer));
}

void MessageClient::on_lost(const Error& why) {
  Answers<SendAnswer> sent(link_);
  sends_.end([&](const Asked& asked) { sent.add(asked, std::unexpected(why)); });
  Answers<MarkAnswer> marked(link_);
  marks_.end([&](const Asked& asked) { marked.add(asked, std::unexpected(why)); });
}

void MessageClient::on_tick() {
  Answers<SendAnswer> sent(link_);
  sends_.expire([&](const Asked& asked) { sent.add(asked, std::unexpected(late())); });
  Answers<MarkAnswer> marked(link_);
  marks_.expire([&](const Asked& asked) { marked.add(asked, std::unexpected(late())); });
}

Awaitable<Result<Changes>> MessageClient::changes(UserId user, Cursor since) {
  v1::ChangesRequest request;
  request.set_user(user.value);
  request.set_epoch(since.epoch);
  request.set_time_ms(since.time.value);
  PARLEY_CO_TRY(answer, co_await link_.channel().call(methods::kChanges, std::move(request)));
  Changes out;
  for (const auto& change : answer.changes())
    out.changes.push_back({from_proto(change.view()), Seq(change.from())});
  out.cursor = {answer.epoch(), TimeMs(answer.time_ms())};
  co_return out;
}

Awaitable<Result<std::vector<EntryPtr>>> MessageClient::entries(UserId asker,
                                                                ConversationId conversation,
                                                                Seq from, Seq to,
                                                                std::size_t limit) {
  v1::EntriesRequest request;
  request.set_asker(asker.value);
  request.set_conversation(conversation.key());
  request.set_from(from.value);
  request.set_to(to.value);
  request.set_limit(limit);
  PARLEY_CO_TRY(answer, co_await link_.channel().call(methods::kEntries, std::move(request)));
  co_return entries_of(*answer.mutable_entries());
}

Awaitable<Result<HistoryPage>> MessageClient::history(UserId asker, ConversationId conversation,
                                                      HistoryQuery query) {
  v1::HistoryRequest request;
  request.set_asker(asker.value);
  request.set_conversation(conversation.key());
  request.set_from(static_cast<std::uint32_t>(query.from));
  request.set_at(query.at);
  request.set_limit(query.limit);
  PARLEY_CO_TRY(answer, co_await link_.channel().call(methods::kHistory, std::move(request)));
  co_return HistoryPage{entries_of(*answer.mutable_entries()), from_proto(answer.head()),
                        answer.more_before(), answer.more_after()};
}

Awaitable<Result<Head>> MessageClient::head(ConversationId conversation) {
  v1::HeadRequest request;
  request.set_conversation(conversation.key());
  PARLEY_CO_TRY(answer, co_await link_.channel().call(methods::kHead, std::move(request)));
  co_return from_proto(answer.head());
}

Awaitable<Result<Head>> MessageClient::append(GroupId group, UserId actor, GroupChange change) {
  v1::AppendRequest request;
  request.set_group(group.value);
  request.set_actor(actor.value);
  to_proto(change, *request.mutable_change());
  PARLEY_CO_TRY(answer, co_await link_.channel().call(methods::kAppend, std::move(request)));
  co_return from_proto(answer.head());
}

Awaitable<Result<std::vector<Marks>>> MessageClient::marks(ConversationId conversation,
                                                           std::vector<UserId> users) {
  v1::MarksRequest request;
  request.set_conversation(conversation.key());
  add_ids(users, *request.mutable_users());
  PARLEY_CO_TRY(answer, co_await link_.channel().call(methods::kMarks, std::move(request)));
  std::vector<Marks> out;
  for (const auto& marks : answer.marks()) out.push_back(from_proto(marks));
  co_return out;
}

Awaitable<Result<Receipts>> MessageClient::receipts(UserId asker, ConversationId conversation,
                                                    Seq seq) {
  v1::ReceiptsRequest request;
  request.set_asker(asker.value);
  request.set_conversation(conversation.key());
  request.set_seq(seq.value);
  PARLEY_CO_TRY(answer, co_await link_.channel().call(methods::kReceipts, std::move(request)));
  co_return Receipts{answer.members(), answer.delivered(), answer.read(), marks_of(answer.each())};
}

Awaitable<Result<std::vector<UserId>>> MessageClient::visible(UserId asker,
                                                              std::vector<UserId> users) {
  v1::VisibleRequest request;
  request.set_asker(asker.value);
  add_ids(users, *request.mutable_users());
  PARLEY_CO_TRY(answer, co_await link_.channel().call(methods::kVisible, std::move(request)));
  co_return ids_of<UserId>(answer.users());
}

Awaitable<Result<ConversationView>> MessageClient::view(UserId asker, ConversationId conversation) {
  v1::ViewRequest request;
  request.set_asker(asker.value);
  request.set_conversation(conversation.key());
  PARLEY_CO_TRY(answer, co_await link_.channel().call(methods::kView, std::move(request)));
  co_return from_proto(answer);
}

Awaitable<Result<std::vector<ConversationView>>> MessageClient::conversations(
    UserId user, std::optional<ConversationId> after, std::size_t limit) {
  v1::ConversationsRequest request;
  request.set_user(user.value);
  if (after) request.set_after(after->key());
  request.set_limit(limit);
  PARLEY_CO_TRY(answer, co_await link_.channel().call(methods::kConversations, std::move(request)));
  std::vector<ConversationView> out;
  for (const auto& view : answer.conversations()) out.push_back(from_proto(view));
  co_return out;
}

}  // namespace parley::rpc
