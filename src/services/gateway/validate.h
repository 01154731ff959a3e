#pragma once
#include <span>
#include <string_view>

#include "api/message.h"
#include "domain/limits.h"
#include "parley/v1/frames.pb.h"

// What a client may ask for, the same for frames and REST. Errors name the field at fault.
namespace parley::gateway {

/// Whose request it is, and from which connection (none: REST).
struct Asker {
  UserId user;
  DeviceId device;
  Origin origin = {};
};

/// The text of an id. A direct conversation of others is `not_found`, as one that does not
/// exist; who may see a group is for its services to say.
Result<ConversationId> check_conversation(std::string_view text, UserId asker);

/// Users of a list, once each, by rising id. `too_large`: more than `most`.
Result<std::vector<UserId>> check_users(std::span<const std::uint64_t> ids, std::size_t most,
                                        std::string_view field);

/// Text is UTF-8 already: both wires see to that.
Result<SendRequest> check_send(std::string_view conversation_id, std::string_view client_message_id,
                               std::string_view text, const Asker& asker, const Limits& limits);

Result<MarkRequest> check_delivered(const v1::Mark& mark, const Asker& asker);
Result<MarkRequest> check_read(std::string_view conversation_id, std::uint64_t seq,
                               const Asker& asker);

struct HistoryRequest {
  ConversationId conversation;
  HistoryQuery query;
};
Result<HistoryRequest> check_history(const v1::GetHistory& request, UserId asker,
                                     const Limits& limits);

}  // namespace parley::gateway
