#include "services/gateway/encoded.h"
#include "services/gateway/gateway_loop.h"
#include "services/gateway/to_proto.h"

namespace parley::gateway {

/// Live traffic. What a full session is not given, it is to be read from the store again, from
/// `since` on.
void GatewayLoop::give(Session& session, Encoded& message, TimeMs since) {
  if (session.state != Session::State::live) return;
  if (!session.full) return connections_.send_shared(session, message.for_session(session));
  if (!session.missed_since || since < session.missed_since) session.missed_since = since;
}

void GatewayLoop::deliver(const std::vector<Delivery>& entries) {
  std::int64_t given = 0, held_back = 0;
  auto* const traces = shared_.services.traces;
  for (const auto& [entry, recipients, origin] : entries) {
    const auto begin =
        traces && traces->wants(*entry) ? std::chrono::system_clock::now() : Span::Time();
    const auto given_before = given;
    Encoded message([&entry](wire::Subprotocol to) { return wire::encode_entry(to, *entry); });
    for (const auto user : recipients) {
      connections_.table().for_user(user, [&](Session& session) {
        if (connections_.origin(session.connection) == origin) return;
        ++(session.full ? held_back : given);
        give(session, message, entry->time);
      });
    }
    if (begin != Span::Time() && given != given_before)  // it may come here again: another span
      traces->take(Stage::delivery, Stage::fan_out, *entry, begin,
                   static_cast<std::uint64_t>(begin.time_since_epoch().count()));
  }
  shared_.metrics.deliveries.add(given);
  shared_.metrics.held_back.add(held_back);
}

void GatewayLoop::receipts(const std::vector<ReceiptNotice>& notices) {
  // Receipts are told late, at most once a second: what is held back is older than now.
  const TimeMs since(shared_.clock.wall().value - kResumeOverlapMs);
  for (const auto& notice : notices) {
    v1::ServerFrame frame;
    auto& receipt = *frame.mutable_receipt();
    receipt.set_conversation_id(notice.conversation.text());
    receipt.set_user_id(notice.user.value);
    receipt.set_delivered(notice.marks.delivered.value);
    receipt.set_read(notice.marks.read.value);
    Encoded message(frame);
    for (const auto user : notice.recipients)
      connections_.table().for_user(user, [&](Session& session) { give(session, message, since); });
  }
}

void GatewayLoop::changed(const std::vector<ConversationNotice>& notices) {
  const TimeMs since(shared_.clock.wall().value - kResumeOverlapMs);
  for (const auto& notice : notices) {
    v1::ServerFrame frame;
    to_proto(notice.view, *frame.mutable_conversation());
    Encoded message(frame);
    connections_.table().for_user(notice.user, [&](Session& session) {
      if (connections_.origin(session.connection) != notice.origin) give(session, message, since);
    });
  }
}

void GatewayLoop::sign_out(UserId user, DeviceId device) {
  connections_.table().for_user(user, [&](Session& session) {
    if (session.state == Session::State::live && (!device || session.device == device))
      connections_.hang_up(session, CloseCode::signed_out, "this device was signed out");
  });
}

}  // namespace parley::gateway
