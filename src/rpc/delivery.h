#pragma once
#include "api/delivery.h"
#include "rpc/link.h"
#include "rpc/router.h"

namespace parley::rpc {

/// DeliveryApi of a gateway in another process: over the link, best effort. While the gateway
/// cannot be reached, or takes too little, entries are dropped, typing and presence first; whoever
/// has the duty to deliver sees that nothing was confirmed.
class DeliveryClient final : public DeliveryApi, public LinkUser {
 public:
  explicit DeliveryClient(Link& link) : link_(link) { link.add(*this); }

  void deliver(std::vector<Delivery> entries) override;
  void receipts(std::vector<ReceiptNotice> notices) override;
  void changed(std::vector<ConversationNotice> notices) override;
  void typing(std::vector<TypingNotice> notices) override;
  void presence(std::vector<PresenceView> changes) override;
  void sign_out(UserId user, DeviceId device) override;

 private:
  Link& link_;
};

/// Answers for the gateway of this process.
void serve(Router& router, DeliveryApi& gateway);

}  // namespace parley::rpc
