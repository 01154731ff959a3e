#include "services/auth/device_tokens.h"

#include <algorithm>

#include "services/auth/keys.h"
#include "services/auth/token_judge.h"

namespace parley::auth {
namespace {

// A revoked device is remembered for this much longer than its tokens live, so that they are not
// good again when the clock is set back.
constexpr std::chrono::milliseconds kClockSlack = std::chrono::hours(24);
constexpr int kRefreshAttempts = 8;  // each lost only to another refresh of the same device
constexpr std::uint32_t kRetryMs = 1'000;

TimeMs operator+(TimeMs time, std::chrono::milliseconds by) {
  return TimeMs(time.value + by.count());
}

std::unexpected<Error> sign_in_again() {
  return fail(Code::unauthenticated, "the refresh token is not valid any more: sign in");
}

}  // namespace

Result<std::unique_ptr<DeviceTokens>> DeviceTokens::open(AccountStore& accounts,
                                                         DeviceStore& devices, SecretStore& secrets,
                                                         const Clock& clock,
                                                         TokenSettings settings) {
  PARLEY_TRY(signing_key, secrets.get_or_make(kSigningKey, Jwt::kSeedBytes));
  PARLEY_TRY(refresh_key, secrets.get_or_make(kRefreshKey, RefreshTokens::kKeyBytes));
  PARLEY_TRY(last_user, accounts.last_id());
  PARLEY_TRY(last_device, devices.last_id());
  const TimeMs now = clock.wall();
  PARLEY_TRY(revoked, devices.revoked(now));
  std::unique_ptr<DeviceTokens> made(new DeviceTokens(devices, clock, settings, signing_key,
                                                      std::move(refresh_key),
                                                      std::max(last_user, last_device)));
  for (const auto& [device, until] : revoked) {
    made->revoked_.add(device, until, now);
    made->log_.add({UserId(), device, until}, now);
  }
  return made;
}

DeviceTokens::DeviceTokens(DeviceStore& devices, const Clock& clock, TokenSettings settings,
                           std::string_view signing_key, std::string refresh_key,
                           std::uint64_t last_id)
    : devices_(devices),
      clock_(clock),
      settings_(settings),
      jwt_(signing_key),
      refresh_tokens_(std::move(refresh_key)),
      log_(static_cast<std::uint64_t>(clock.wall().value)),
      ids_(0, last_id) {}

std::uint64_t DeviceTokens::next_id() {
  const std::lock_guard lock(ids_mutex_);
  return ids_.next(clock_.wall());
}

TokenPair DeviceTokens::pair(const AccountDevice& device, const RefreshToken& refresh, TimeMs now,
                             TimeMs refresh_expires) const {
  // To the second, as the token says it.
  const TimeMs expires((now + settings_.access_lifetime).value / 1000 * 1000);
  return {.user = device.user,
          .device = device.id,
          .access = jwt_.sign(device.user, device.id, now, expires),
          .access_expires = expires,
          .refresh = refresh.text,
          .refresh_expires = refresh_expires};
}

Result<TokenPair> DeviceTokens::issue(UserId user, const std::string& device_name,
                                      SignedOut& signed_out) {
  const TimeMs now = clock_.wall();
  PARLEY_TRY_VOID(make_room(user, now, signed_out));
  const DeviceId id(next_id());
  const RefreshToken token = refresh_tokens_.fresh(id);
  const AccountDevice device{.id = id,
                             .user = user,
                             .name = device_name,
                             .created = now,
                             .last_used = now,
                             .refresh_hash = token.hash(),
                             .previous_refresh_hash = {},
                             .refresh_expires = now + settings_.refresh_lifetime};
  PARLEY_TRY_VOID(devices_.put(device));
  return pair(device, token, now, device.refresh_expires);
}

Result<void> DeviceTokens::make_room(UserId user, TimeMs now, SignedOut& signed_out) {
  PARLEY_TRY(held, devices_.of(user));
  std::ranges::sort(held, {}, [&](const AccountDevice& d) {
    return std::tuple(d.refresh_expires > now, d.last_used);
  });
  const auto keep = settings_.devices_per_user - 1;
  for (std::size_t i = 0; i < held.size(); ++i) {
    const bool expired = held[i].refresh_expires <= now;
    if (!expired && held.size() - i <= keep) break;
    PARLEY_TRY_VOID(revoke(held[i], signed_out));
  }
  return {};
}

Result<TokenPair> DeviceTokens::refresh(const std::string& refresh_token, SignedOut& signed_out) {
  const auto token = refresh_tokens_.parse(refresh_token);
  if (!token) return sign_in_again();
  const std::string hash = token->hash();
  for (int attempt = 0; attempt < kRefreshAttempts; ++attempt) {
    PARLEY_TRY(device, devices_.by_id(token->device));
    const TimeMs now = clock_.wall();
    if (!device || device->refresh_expires <= now) return sign_in_again();
    const bool current = hash == device->refresh_hash;
    if (!current && hash != device->previous_refresh_hash) {
      // Ours, but its holder has shown a later one, or said that it was lost: there is a copy.
      PARLEY_TRY_VOID(revoke(*device, signed_out));
      return sign_in_again();
    }
    RefreshToken next = refresh_tokens_.successor(*token);
    if (!current) {
      if (next.hash() == device->refresh_hash && now < device->last_used + settings_.refresh_grace)
        return pair(*device, next, now, device->refresh_expires);
      next = refresh_tokens_.fresh(device->id);
    }
    const Refreshed change{.hash = next.hash(),
                           .previous_hash = hash,
                           .now = now,
                           .expires = now + settings_.refresh_lifetime};
    PARLEY_TRY(swapped, devices_.rotate(device->id, device->refresh_hash, change));
    if (swapped) return pair(*device, next, now, change.expires);
  }
  return fail_for(Code::unavailable, "the device is being refreshed by others", kRetryMs);
}

Result<void> DeviceTokens::sign_out(UserId user, DeviceId device, SignedOut& signed_out) {
  PARLEY_TRY(found, devices_.by_id(device));
  if (!found) return {};
  if (found->user != user) return fail(Code::not_found, "there is no such device", "device_id");
  return revoke(*found, signed_out);
}

Result<void> DeviceTokens::sign_out_all(UserId user, SignedOut& signed_out) {
  PARLEY_TRY(held, devices_.of(user));
  for (const auto& device : held) PARLEY_TRY_VOID(revoke(device, signed_out));
  return {};
}

Result<void> DeviceTokens::revoke(const AccountDevice& device, SignedOut& signed_out) {
  const TimeMs now = clock_.wall();
  const TimeMs until = now + settings_.access_lifetime + kClockSlack;
  PARLEY_TRY_VOID(devices_.revoke(device.id, until));
  revoked_.add(device.id, until, now);
  log_.add({device.user, device.id, until}, now);
  signed_out.emplace_back(device.user, device.id);
  return {};
}

Result<Principal> DeviceTokens::check(std::string_view access_token) const {
  PARLEY_TRY(principal, jwt_.verify(access_token));
  return judge(principal, revoked_, clock_.wall());
}

}  // namespace parley::auth
