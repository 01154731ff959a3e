#include <boost/asio.hpp>
#include <fmt/format.h>

#include "parley/v1/rest.pb.h"
#include "services/gateway/backlog.h"
#include "services/gateway/rest/call.h"
#include "services/gateway/to_proto.h"
#include "wire/server_writer.h"

// Conversations: the operations of the frames, for who has no stream.
namespace parley::gateway::rest {
namespace {

const Limits& limits(const Call& call) { return call.context.shared.settings.limits; }

Awaitable<Answer> send_msg(Call& call) {
  v1::SendMsgRequest body;
  PARLEY_CO_TRY_VOID(call.read_body(body));
  PARLEY_CO_TRY(request, check_send(body.conversation_id(), body.client_message_id(),
                                    body.body().text(), call.asker(), limits(call)));
  PARLEY_CO_TRY(sent, co_await call.context.inflight.send(call.context.io, std::move(request)));
  v1::Sent out;
  out.set_conversation_id(body.conversation_id());
  out.set_seq(sent.seq.value);
  out.set_message_id(sent.id.value);
  out.set_time_ms(sent.time.value);
  co_return json(out);
}

/// Collects a backlog into one answer, bounded: what goes beyond is a gap.
class Collector final : public BacklogSink {
 public:
  Collector(v1::GetMsgAnswer& out, std::size_t max_bytes) : out_(out), left_(max_bytes) {}

  Awaitable<bool> conversation(ConversationView view, std::optional<MissedStretch> gap) override {
    to_proto(view, *out_.add_conversations());
    if (gap) add_gap(view.conversation, *gap);
    co_return true;
  }
  Awaitable<bool> entries(std::vector<EntryPtr> page) override {
    for (std::size_t i = 0; i < page.size(); ++i) {
      const auto size = size_of(*page[i]);
      if (size > left_) {
        // The rest of this page; further pages of the conversation lengthen the gap.
        left_ = 0;
        add_gap(page[i]->conversation, {page[i]->seq, page.back()->seq});
        break;
      }
      left_ -= size;
      wire::to_proto(*page[i], *out_.add_entries());
    }
    co_return true;
  }

 private:
  void add_gap(const ConversationId& where, MissedStretch stretch) {
    const auto text = where.text();
    auto* last = out_.gaps_size() ? out_.mutable_gaps(out_.gaps_size() - 1) : nullptr;
    if (last && last->conversation_id() == text && last->to() + 1 == stretch.from.value) {
      last->set_to(stretch.to.value);
      return;
    }
    auto& gap = *out_.add_gaps();
    gap.set_conversation_id(text);
    gap.set_from(stretch.from.value);
    gap.set_to(stretch.to.value);
  }

  v1::GetMsgAnswer& out_;
  std::size_t left_;
};

Awaitable<Answer> get_msg(Call& call) {
  PARLEY_CO_TRY(since, Cursor::parse(call.text("cursor")));
  v1::GetMsgAnswer out;
  Collector collector(out, call.context.shared.settings.edge.output_limit);
  PARLEY_CO_TRY(end, co_await read_backlog(call.services().messages, call.who.user, since,
                                           limits(call), collector));
  out.set_cursor(end.cursor.text());
  co_return json(out);
}

Awaitable<Answer> list_conversations(Call& call) {
  std::optional<ConversationId> after;
  if (const auto text = call.text("after"); !text.empty()) {
    auto parsed = check_conversation(text, call.who.user);
    if (!parsed) co_return fail(parsed.error().code, parsed.error().message, "after");
    after = *parsed;
  }
  PARLEY_CO_TRY(limit, call.number("limit"));
  const auto most = limits(call).conversations_page;
  if (limit > most)
    co_return fail(Code::invalid_argument, fmt::format("a page has at most {} conversations", most),
                   "limit");
  const auto size = limit ? limit : most;
  PARLEY_CO_TRY(page, co_await call.services().messages.conversations(call.who.user, after, size));
  v1::Conversations out;
  for (const auto& view : page) to_proto(view, *out.add_conversations());
  if (page.size() == size) out.set_next(page.back().conversation.text());
  co_return json(out);
}

Awaitable<Answer> get_conversation(Call& call) {
  PARLEY_CO_TRY(id, check_conversation(call.parts[0], call.who.user));
  PARLEY_CO_TRY(view, co_await call.services().messages.view(call.who.user, id));
  v1::Conversation out;
  to_proto(view, out);
  co_return json(out);
}

Awaitable<Answer> get_history(Call& call) {
  v1::GetHistory asked;
  asked.set_conversation_id(call.parts[0]);
  int given = 0;
  for (const std::string_view name :
       {"before", "after", "around", "before_time", "after_time", "around_time"}) {
    if (!call.query.contains(name)) continue;
    if (++given > 1)
      co_return fail(Code::invalid_argument, "a page is before, after or around one place",
                     std::string(name));
    PARLEY_CO_TRY(at, call.number(name));
    const auto time = static_cast<std::int64_t>(at);
    if (name == "before") asked.set_before(at);
    if (name == "after") asked.set_after(at);
    if (name == "around") asked.set_around(at);
    if (name == "before_time") asked.set_before_time(time);
    if (name == "after_time") asked.set_after_time(time);
    if (name == "around_time") asked.set_around_time(time);
  }
  PARLEY_CO_TRY(limit, call.number("limit"));
  asked.set_limit(static_cast<std::uint32_t>(std::min<std::uint64_t>(limit, ~0U)));
  PARLEY_CO_TRY(request, check_history(asked, call.who.user, limits(call)));
  PARLEY_CO_TRY(page, co_await call.services().messages.history(call.who.user, request.conversation,
                                                                request.query));
  trim(page, request.query, call.context.shared.settings.page_bytes());
  v1::History out;
  to_proto(page, request.conversation, out);
  co_return json(out);
}

Awaitable<Answer> mark_read(Call& call) {
  v1::ReadRequest body;
  PARLEY_CO_TRY_VOID(call.read_body(body));
  PARLEY_CO_TRY(request, check_read(call.parts[0], body.seq(), call.asker()));
  PARLEY_CO_TRY_VOID(co_await call.context.inflight.read(call.context.io, std::move(request)));
  co_return done();
}

}  // namespace

std::vector<Route> message_routes() {
  using enum Route::Access;
  return {
      {"POST", "/v1/messages", "sendMsg", signed_in, send_msg},
      {"GET", "/v1/messages", "getMsg", signed_in, get_msg},
      {"GET", "/v1/conversations", "listConversations", signed_in, list_conversations},
      {"GET", "/v1/conversations/{conversation_id}", "getConversation", signed_in,
       get_conversation},
      {"GET", "/v1/conversations/{conversation_id}/messages", "getHistory", signed_in, get_history},
      {"POST", "/v1/conversations/{conversation_id}/read", "markRead", signed_in, mark_read},
  };
}

}  // namespace parley::gateway::rest
