#pragma once
#include <functional>
#include <vector>

#include "api/message.h"
#include "api/presence.h"

namespace parley {

/// A stored entry for the sessions of some users; the connection `origin` is left out.
struct Delivery {
  EntryPtr entry;
  std::vector<UserId> recipients;
  Origin origin;
};

/// A mark that moved, for the sessions of some users.
struct ReceiptNotice {
  ConversationId conversation;
  UserId user;  // whose mark
  Marks marks;
  std::vector<UserId> recipients;
};

/// The user's own mark moved on one device: the user's other connections are told.
struct ConversationNotice {
  UserId user;
  ConversationView view;
  Origin origin;
};

/// `user` types in the conversation.
struct TypingNotice {
  ConversationId conversation;
  UserId user;
  std::vector<UserId> recipients;
};

/// What a gateway does for the other services. Any loop; batches; best effort: the duty to deliver
/// stays with the caller, who sees the recipients' marks move or does it again.
class DeliveryApi {
 public:
  virtual ~DeliveryApi() = default;
  virtual void deliver(std::vector<Delivery> entries) = 0;
  virtual void receipts(std::vector<ReceiptNotice> notices) = 0;
  virtual void changed(std::vector<ConversationNotice> notices) = 0;
  /// Somebody types, for the sessions of some users. Dropped first.
  virtual void typing(std::vector<TypingNotice> notices) = 0;
  /// For the sessions that watch those users. Dropped first.
  virtual void presence(std::vector<PresenceView> changes) = 0;
  /// Closes the sockets of one device (signed_out), or of all of a user's devices (device 0).
  virtual void sign_out(UserId user, DeviceId device) = 0;
};

/// How a gateway is reached; null: it is not there (any more). Any loop.
using ReachGateway = std::function<DeliveryApi*(GatewayId)>;

}  // namespace parley
