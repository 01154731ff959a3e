#include "services/auth/device_tokens.h"

#include <algorithm>
#include <sodium.h>

#include "services/auth/keys.h"
#include "services/auth/token_judge.h"

namespace parley::auth {
namespace {

// A revoked device is remembered for this much longer than its tokens live, so that they are not
// good again when the clock is set back.
constexpr std::chrono::milliseconds kClockSlack = std::chrono::hours(24);
constexpr int kRefreshAttempts = 8;  // each lost only to another refresh of the same device
constexpr int kIdAttempts = 8;       // each lost to another process that came to the same id
constexpr std::uint32_t kNodes = 1'024;
constexpr std::uint32_t kRetryMs = 1'000;

// How far before the newest that was read `follow` looks again. Clocks are at most 5 s apart, and a
// device is stamped before it waits for a connection, for locks and for the answer: 25 s as a rule
// (adapters/shared/mysql/settings.h), which binds no transaction. So it looks now and then as far
// back as there are access tokens.
constexpr std::chrono::milliseconds kOverlap = std::chrono::seconds(30);
constexpr std::chrono::seconds kLookBackEvery{10};

std::uint64_t random_start() {
  std::uint64_t bytes = 0;
  randombytes_buf(&bytes, sizeof(bytes));
  return bytes >> 2;  // none ever comes to the end
}

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
  const auto began = clock.mono();
  PARLEY_TRY(revoked, devices.revoked(now));
  std::unique_ptr<DeviceTokens> made(new DeviceTokens(devices, clock, settings, signing_key,
                                                      std::move(refresh_key),
                                                      std::max(last_user, last_device)));
  for (const auto& row : revoked) made->learn(row, now);
  made->newest_ = now;
  made->looked_back_ = began;
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
      log_(random_start()),
      ids_(settings.node.value_or(randombytes_uniform(kNodes)), last_id) {}

std::uint64_t DeviceTokens::next_id() {
  const std::lock_guard lock(ids_mutex_);
  return ids_.next(clock_.wall());
}

Result<void> DeviceTokens::store_new(const std::function<Result<void>(std::uint64_t id)>& store) {
  for (int attempt = 0; attempt < kIdAttempts; ++attempt) {
    auto stored = store(next_id());
    if (stored || stored.error().code != Code::conflict) return stored;
    use_another_node();
  }
  return fail_for(Code::unavailable, "other processes took every id that was tried", kRetryMs);
}

void DeviceTokens::use_another_node() {
  const std::lock_guard lock(ids_mutex_);
  ids_.start_after(ids_.next(clock_.wall()));  // ids of a lower node rise, too
  ids_.use_node(randombytes_uniform(kNodes));
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
  RefreshToken token;
  AccountDevice device{.id = {},
                       .user = user,
                       .name = device_name,
                       .created = now,
                       .last_used = now,
                       .refresh_hash = {},
                       .previous_refresh_hash = {},
                       .refresh_expires = now + settings_.refresh_lifetime};
  PARLEY_TRY_VOID(store_new([&](std::uint64_t id) {
    device.id = DeviceId(id);
    token = refresh_tokens_.fresh(device.id);
    device.refresh_hash = token.hash();
    return devices_.add(device);
  }));
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
  const RevokedDevice row{.device = device.id,
                          .user = device.user,
                          .tokens_end = now + settings_.access_lifetime + kClockSlack,
                          .revoked = now};
  PARLEY_TRY_VOID(devices_.revoke(row));
  learn(row, now);
  // Also where `follow` saw the row first: who signs out is to hear of it here.
  signed_out.emplace_back(row.user, row.device);
  return {};
}

bool DeviceTokens::learn(const RevokedDevice& row, TimeMs now) {
  if (!revoked_.add(row.device, row.tokens_end, now)) return false;
  log_.add({row.user, row.device, row.tokens_end}, now);
  return true;
}

Result<void> DeviceTokens::follow(SignedOut& signed_out) {
  const TimeMs now = clock_.wall();
  const auto began = clock_.mono();
  const bool far = began - looked_back_ >= kLookBackEvery;
  // Never after now: no clock that is or was far ahead may hide what the others do.
  newest_ = std::min(newest_, now);
  const auto back = far ? settings_.access_lifetime + kOverlap : kOverlap;
  PARLEY_TRY(rows, devices_.revoked_since(newest_ + -back));
  for (const auto& row : rows)
    if (learn(row, now)) signed_out.emplace_back(row.user, row.device);
  if (!rows.empty()) newest_ = std::max(newest_, std::min(rows.back().revoked, now));
  if (far) looked_back_ = began;
  return {};
}

Result<Principal> DeviceTokens::check(std::string_view access_token) const {
  PARLEY_TRY(principal, jwt_.verify(access_token));
  return judge(principal, revoked_, clock_.wall());
}

}  // namespace parley::auth
