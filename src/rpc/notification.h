#pragma once
#include "api/notification.h"
#include "rpc/pending.h"
#include "rpc/router.h"

namespace parley::rpc {

/// NotificationApi of another process, over the link. What cannot be asked, or is not answered
/// within 40 s (the service itself repeats for 30 s), is answered retryably.
class NotificationClient final : public NotificationApi, public LinkUser {
 public:
  explicit NotificationClient(Link& link);

  void notify(std::vector<Push> pushes, std::move_only_function<void(Result<void>)> done) override;

  void on_frame(v1::Frame& frame) override;
  void on_lost(const Error& why) override;
  void on_tick() override;

 private:
  struct Asked {
    std::move_only_function<void(Result<void>)> done;
    std::size_t loop;
  };
  void answer(Asked asked, Result<void> outcome);

  Link& link_;
  Pending<Asked> asked_;
};

/// Answers for the notification service of this process.
void serve(Router& router, NotificationApi& notifications);

}  // namespace parley::rpc
