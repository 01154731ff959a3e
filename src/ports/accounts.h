#pragma once
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"

namespace parley {

struct Account {
  UserId id;
  std::string name;  // folded
  std::string display_name;
  std::string about;
  TimeMs created;
};

struct AccountDevice {
  DeviceId id;
  UserId user;
  std::string name;
  TimeMs created;
  TimeMs last_used;
  std::string refresh_hash;           // SHA-256 of the refresh token that is valid now
  std::string previous_refresh_hash;  // of the one before it, to recognise one that was stolen and
                                      // used twice
  TimeMs refresh_expires;
};

/// Accounts and their passwords. Blocking; any thread. Every call that returns success is durable
/// (synced). A retry of `create` with the same id and content succeeds; with a name that another id
/// has: `already_exists`.
class AccountStore {
 public:
  virtual ~AccountStore() = default;
  virtual Result<void> create(const Account& account, std::string_view password_hash) = 0;
  virtual Result<std::optional<Account>> by_id(UserId id) = 0;
  virtual Result<std::optional<Account>> by_name(std::string_view folded_name) = 0;
  virtual Result<std::string> password_hash(UserId id) = 0;
  virtual Result<void> update(const Account& account) = 0;
};

/// Signed-in installations. Blocking; any thread; durable like accounts.
class DeviceStore {
 public:
  virtual ~DeviceStore() = default;
  virtual Result<void> put(const AccountDevice& device) = 0;
  virtual Result<std::optional<AccountDevice>> by_id(DeviceId id) = 0;
  virtual Result<std::vector<AccountDevice>> of(UserId user) = 0;
  /// Replaces the refresh token only if `expected_hash` is still the valid one (compare and swap);
  /// else false.
  virtual Result<bool> rotate(DeviceId id, std::string_view expected_hash,
                              std::string_view next_hash, TimeMs expires, TimeMs now) = 0;
  /// Signs a device out: it is gone, and its access tokens are refused until `tokens_end`. Twice:
  /// no error.
  virtual Result<void> revoke(DeviceId id, TimeMs tokens_end) = 0;
  /// Devices whose tokens are refused, with until when; rows that ended before `now` are dropped.
  virtual Result<std::vector<std::pair<DeviceId, TimeMs>>> revoked(TimeMs now) = 0;
};

/// Random secrets made at first start (the token signing key, the ticket key). Durable; any thread.
class SecretStore {
 public:
  virtual ~SecretStore() = default;
  /// The secret by that name; made of `size` random bytes at its first use.
  virtual Result<std::string> get_or_make(std::string_view name, std::size_t size) = 0;
};

}  // namespace parley
