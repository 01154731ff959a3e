#include "services/gateway/validate.h"

#include <algorithm>
#include <fmt/format.h>

#include "domain/text.h"
#include "wire/server_writer.h"

namespace parley::gateway {
namespace {

Result<MarkRequest> check_mark(std::string_view conversation_id, std::uint64_t seq,
                               const Asker& asker) {
  PARLEY_TRY(conversation, check_conversation(conversation_id, asker.user));
  if (seq == 0) return fail(Code::invalid_argument, "a mark's seq is 1 or more", "seq");
  MarkRequest request;
  request.conversation = conversation;
  request.user = asker.user;
  request.delivered = Seq(seq);
  request.origin = asker.origin;
  return request;
}

}  // namespace

Result<ConversationId> check_conversation(std::string_view text, UserId asker) {
  auto id = ConversationId::parse(text);
  if (!id) {
    if (id.error().field.empty()) id.error().field = "conversation_id";
    return id;
  }
  if (id->is_direct() && !id->has(asker))
    return fail(Code::not_found, "there is no such conversation", "conversation_id");
  return id;
}

Result<std::vector<UserId>> check_users(std::span<const std::uint64_t> ids, std::size_t most,
                                        std::string_view field) {
  if (ids.size() > most)
    return fail(Code::too_large, fmt::format("at most {} users at once", most), std::string(field));
  std::vector<UserId> users;
  users.reserve(ids.size());
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] == 0)
      return fail(Code::invalid_argument, "a user's id is 1 or more",
                  fmt::format("{}[{}]", field, i));
    users.emplace_back(ids[i]);
  }
  std::ranges::sort(users);
  users.erase(std::ranges::unique(users).begin(), users.end());
  return users;
}

Result<SendRequest> check_send(std::string_view conversation_id, std::string_view client_message_id,
                               std::string_view text, const Asker& asker, const Limits& limits) {
  PARLEY_TRY(conversation, check_conversation(conversation_id, asker.user));
  PARLEY_TRY_VOID(check_client_message_id(client_message_id));
  if (text.empty()) return fail(Code::invalid_argument, "a message has a text", "body.text");
  if (text.size() > limits.text_bytes)
    return fail(Code::too_large, fmt::format("a text has at most {} bytes", limits.text_bytes),
                "body.text");
  SendRequest request;
  request.conversation = conversation;
  request.sender = asker.user;
  request.device = asker.device;
  request.origin = asker.origin;
  request.client_message_id = client_message_id;
  request.body = wire::encode_body(text);
  return request;
}

Result<MarkRequest> check_delivered(const v1::Mark& mark, const Asker& asker) {
  return check_mark(mark.conversation_id(), mark.seq(), asker);
}

Result<MarkRequest> check_read(std::string_view conversation_id, std::uint64_t seq,
                               const Asker& asker) {
  PARLEY_TRY(request, check_mark(conversation_id, seq, asker));
  request.read = request.delivered;
  return std::move(request);
}

Result<HistoryRequest> check_history(const v1::GetHistory& request, UserId asker,
                                     const Limits& limits) {
  using From = HistoryQuery::From;
  PARLEY_TRY(conversation, check_conversation(request.conversation_id(), asker));
  HistoryRequest out{conversation, {}};
  const auto at_time = [&out](From from, std::int64_t ms, std::string field) -> Result<void> {
    if (ms < 0) return fail(Code::invalid_argument, "a time is not negative", std::move(field));
    out.query.from = from;
    out.query.at = static_cast<std::uint64_t>(ms);
    return {};
  };
  switch (request.from_case()) {
    case v1::GetHistory::kAfter:
      out.query.from = From::after;
      out.query.at = request.after();
      break;
    case v1::GetHistory::kAround:
      out.query.from = From::around;
      out.query.at = request.around();
      break;
    case v1::GetHistory::kBeforeTime:
      PARLEY_TRY_VOID(at_time(From::before_time, request.before_time(), "before_time"));
      break;
    case v1::GetHistory::kAfterTime:
      PARLEY_TRY_VOID(at_time(From::after_time, request.after_time(), "after_time"));
      break;
    case v1::GetHistory::kAroundTime:
      PARLEY_TRY_VOID(at_time(From::around_time, request.around_time(), "around_time"));
      break;
    case v1::GetHistory::kBefore:
    case v1::GetHistory::FROM_NOT_SET:
      out.query.at = request.before();
  }
  if (request.limit() > limits.history_page)
    return fail(Code::invalid_argument,
                fmt::format("a page has at most {} entries", limits.history_page), "limit");
  out.query.limit = request.limit() ? request.limit() : limits.history_page_default;
  return out;
}

}  // namespace parley::gateway
