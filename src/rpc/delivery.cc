#include "rpc/delivery.h"

#include "rpc/convert.h"

namespace parley::rpc {

void DeliveryClient::deliver(std::vector<Delivery> entries) {
  link_.post([this, entries = std::move(entries)] {
    for (const auto& delivery : entries) {
      if (!link_.has_room(false)) return;
      const auto bytes = delivery.entry->body.size() + delivery.recipients.size() * 9 + 100;
      auto& out = *link_.add_to_frame(bytes).add_deliveries();
      to_proto(*delivery.entry, *out.mutable_entry());
      add_ids(delivery.recipients, *out.mutable_recipients());
      out.set_origin(delivery.origin.value);
    }
  });
}

void DeliveryClient::receipts(std::vector<ReceiptNotice> notices) {
  link_.post([this, notices = std::move(notices)] {
    for (const auto& notice : notices) {
      if (!link_.has_room(false)) return;
      auto& out = *link_.add_to_frame(notice.recipients.size() * 9 + 60).add_receipts();
      out.set_conversation(notice.conversation.key());
      out.set_user(notice.user.value);
      to_proto(notice.marks, *out.mutable_marks());
      add_ids(notice.recipients, *out.mutable_recipients());
    }
  });
}

void DeliveryClient::changed(std::vector<ConversationNotice> notices) {
  link_.post([this, notices = std::move(notices)] {
    for (const auto& notice : notices) {
      if (!link_.has_room(false)) return;
      auto& out = *link_.add_to_frame(150).add_changed();
      out.set_user(notice.user.value);
      to_proto(notice.view, *out.mutable_view());
      out.set_origin(notice.origin.value);
    }
  });
}

void DeliveryClient::typing(std::vector<TypingNotice> notices) {
  link_.post([this, notices = std::move(notices)] {
    for (const auto& notice : notices) {
      if (!link_.has_room(true)) return;
      auto& out = *link_.add_to_frame(notice.recipients.size() * 9 + 40).add_typing();
      out.set_conversation(notice.conversation.key());
      out.set_user(notice.user.value);
      add_ids(notice.recipients, *out.mutable_recipients());
    }
  });
}

void DeliveryClient::presence(std::vector<PresenceView> changes) {
  link_.post([this, changes = std::move(changes)] {
    for (const auto& change : changes) {
      if (!link_.has_room(true)) return;
      to_proto(change, *link_.add_to_frame(20).add_presence());
    }
  });
}

void DeliveryClient::sign_out(UserId user, DeviceId device) {
  link_.post([this, user, device] {
    if (!link_.is_open()) return;  // the gateway hears of it from auth
    auto& out = *link_.add_to_frame(20).add_signed_out();
    out.set_user(user.value);
    out.set_device(device.value);
  });
}

void serve(Router& router, DeliveryApi& gateway) {
  router.on_frame([&gateway](const ConnectionPtr&, v1::Frame& frame) {
    if (frame.deliveries_size() != 0) {
      std::vector<Delivery> entries;
      entries.reserve(static_cast<std::size_t>(frame.deliveries_size()));
      for (auto& delivery : *frame.mutable_deliveries())
        entries.push_back({from_proto(*delivery.mutable_entry()),
                           ids_of<UserId>(delivery.recipients()), Origin(delivery.origin())});
      gateway.deliver(std::move(entries));
    }
    if (frame.receipts_size() != 0) {
      std::vector<ReceiptNotice> notices;
      for (const auto& notice : frame.receipts())
        notices.push_back({conversation_of(notice.conversation()), UserId(notice.user()),
                           from_proto(notice.marks()), ids_of<UserId>(notice.recipients())});
      gateway.receipts(std::move(notices));
    }
    if (frame.changed_size() != 0) {
      std::vector<ConversationNotice> notices;
      for (const auto& notice : frame.changed())
        notices.push_back(
            {UserId(notice.user()), from_proto(notice.view()), Origin(notice.origin())});
      gateway.changed(std::move(notices));
    }
    if (frame.typing_size() != 0) {
      std::vector<TypingNotice> notices;
      for (const auto& notice : frame.typing())
        notices.push_back({conversation_of(notice.conversation()), UserId(notice.user()),
                           ids_of<UserId>(notice.recipients())});
      gateway.typing(std::move(notices));
    }
    if (frame.presence_size() != 0) {
      std::vector<PresenceView> changes;
      for (const auto& change : frame.presence()) changes.push_back(from_proto(change));
      gateway.presence(std::move(changes));
    }
    for (const auto& gone : frame.signed_out())
      gateway.sign_out(UserId(gone.user()), DeviceId(gone.device()));
  });
}

}  // namespace parley::rpc
