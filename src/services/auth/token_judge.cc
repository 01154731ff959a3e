#include "services/auth/token_judge.h"

namespace parley::auth {

Result<Principal> judge(Principal principal, const RevokedDevices& revoked, TimeMs now) {
  if (revoked.contains(principal.device))
    return fail(Code::unauthenticated, "the device was signed out: sign in");
  if (now >= principal.expires)
    return fail(Code::token_expired, "the access token has expired: refresh it");
  return principal;
}

void RemoteJudge::learn(const std::string& verifying_key) {
  if (verifying_key.size() != key_.size()) return;
  const std::unique_lock lock(mutex_);
  std::ranges::copy(verifying_key, key_.begin());
  known_ = true;
}

void RemoteJudge::learn(const std::vector<Revocation>& revoked) {
  const auto now = clock_.wall();
  for (const auto& row : revoked) revoked_.add(row.device, row.until, now);
}

Result<Principal> RemoteJudge::check(std::string_view access_token) const {
  VerifyingKey key;
  {
    const std::shared_lock lock(mutex_);
    if (!known_) return fail_for(Code::unavailable, "the auth service was not reached yet", 500);
    key = key_;
  }
  PARLEY_TRY(principal, verify_token(access_token, key));
  return judge(principal, revoked_, clock_.wall());
}

}  // namespace parley::auth
