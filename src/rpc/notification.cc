#include "rpc/notification.h"

#include "base/check.h"
#include "rpc/convert.h"

namespace parley::rpc {

NotificationClient::NotificationClient(Link& link)
    : link_(link), asked_(link, std::chrono::seconds(40)) {
  link.add(*this);
}

void NotificationClient::notify(std::vector<Push> pushes,
                                std::move_only_function<void(Result<void>)> done) {
  const auto loop = link_.loops().current();
  PARLEY_CHECK(loop < link_.loops().size(), "notify is called on a loop");
  link_.post([this, pushes = std::move(pushes), asked = Asked{std::move(done), loop}]() mutable {
    if (auto admitted = link_.admit(); !admitted)
      return answer(std::move(asked), std::unexpected(std::move(admitted).error()));
    auto& out = *link_.add_to_frame(pushes.size() * 50).add_notifies();
    out.set_token(asked_.add(std::move(asked)));
    for (const auto& push : pushes) {
      auto& row = *out.add_pushes();
      row.set_user(push.user.value);
      row.set_conversation(push.conversation.key());
      row.set_seq(push.seq.value);
      row.set_decided_ms(push.decided.value);
    }
  });
}

void NotificationClient::answer(Asked asked, Result<void> outcome) {
  boost::asio::post(link_.loops().at(asked.loop),
                    [done = std::move(asked.done), outcome = std::move(outcome)]() mutable {
                      done(std::move(outcome));
                    });
}

void NotificationClient::on_frame(v1::Frame& frame) {
  for (const auto& row : frame.notified())
    if (auto asked = asked_.take(row.token())) answer(std::move(*asked), result_of(row));
}

void NotificationClient::on_lost(const Error& why) {
  asked_.end([&](Asked asked) { answer(std::move(asked), std::unexpected(why)); });
}

void NotificationClient::on_tick() {
  asked_.expire([&](Asked asked) {
    answer(std::move(asked),
           std::unexpected(timed_out("the notification service did not answer in time")));
  });
}

void serve(Router& router, NotificationApi& notifications) {
  router.on_frame([&notifications](const ConnectionPtr& connection, v1::Frame& frame) {
    for (const auto& request : frame.notifies()) {
      std::vector<Push> pushes;
      for (const auto& push : request.pushes())
        pushes.push_back({UserId(push.user()), conversation_of(push.conversation()),
                          Seq(push.seq()), TimeMs(push.decided_ms())});
      notifications.notify(std::move(pushes),
                           [connection, token = request.token()](Result<void> done) {
                             auto& out = *connection->add_to_frame().add_notified();
                             out.set_token(token);
                             if (!done) to_proto(done.error(), *out.mutable_failure());
                           });
    }
  });
}

}  // namespace parley::rpc
