#pragma once
#include <functional>

#include "api/delivery.h"
#include "api/session.h"

namespace parley::message {

/// Reaches a gateway by its id; null when it is gone.
using ReachGateway = std::function<DeliveryApi*(GatewayId)>;

/// Finds the gateways of the recipients and hands each gateway its part in one call. One loop.
class FanOut {
 public:
  FanOut(SessionApi& sessions, ReachGateway reach)
      : sessions_(sessions), reach_(std::move(reach)) {}

  /// `absent` is called once with each (conversation, seq, user) that has no session anywhere.
  struct Absent {
    ConversationId conversation;
    Seq seq;
    UserId user;
  };
  void deliver(std::vector<Delivery> entries,
               std::move_only_function<void(std::vector<Absent>)> absent);
  void receipts(std::vector<ReceiptNotice> notices);
  void changed(std::vector<ConversationNotice> notices);

 private:
  SessionApi& sessions_;
  ReachGateway reach_;
};

}  // namespace parley::message
