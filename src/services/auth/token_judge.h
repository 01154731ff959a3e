#pragma once
#include <memory>
#include <shared_mutex>

#include "api/auth.h"
#include "base/clock.h"
#include "services/auth/jwt.h"
#include "services/auth/revoked_devices.h"

namespace parley::auth {

/// The judge of access tokens in a process without the auth service.
class RemoteJudge final : public TokenJudge {
 public:
  explicit RemoteJudge(const Clock& clock) : clock_(clock) {}

  void learn(const std::string& verifying_key) override;
  void learn(const std::vector<Revocation>& revoked) override;
  Result<Principal> check(std::string_view access_token) const override;
  bool is_revoked(DeviceId device) const override { return revoked_.contains(device); }

 private:
  const Clock& clock_;
  mutable std::shared_mutex mutex_;
  VerifyingKey key_{};
  bool known_ = false;
  RevokedDevices revoked_;
};

/// What both judges say of a token with a good signature.
Result<Principal> judge(Principal principal, const RevokedDevices& revoked, TimeMs now);

}  // namespace parley::auth
