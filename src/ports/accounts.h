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

  bool operator==(const Account&) const = default;
};

struct AccountDevice {
  DeviceId id;
  UserId user;
  std::string name;
  TimeMs created;
  TimeMs last_used;                   // of the last sign-in or refresh
  std::string refresh_hash;           // of the refresh token that is valid now
  std::string previous_refresh_hash;  // of the one whose use made it; empty: none
  TimeMs refresh_expires;

  bool operator==(const AccountDevice&) const = default;
};

/// Accounts and their passwords. Blocking; any thread. Every call that returns success is durable
/// (synced). A retry of `create` with the same id and content succeeds; with the same id and other
/// content: `conflict`; with a name that another id has: `already_exists`. A failed call changed
/// nothing. `storage_full`, `busy` and `unavailable` may be tried again.
class AccountStore {
 public:
  virtual ~AccountStore() = default;
  virtual Result<void> create(const Account& account, std::string_view password_hash) = 0;
  virtual Result<std::optional<Account>> by_id(UserId id) = 0;
  virtual Result<std::optional<Account>> by_name(std::string_view folded_name) = 0;
  virtual Result<std::string> password_hash(UserId id) = 0;  // not_found
  /// Replaces the name, display name and about of an account only if they are still those that were
  /// `seen` (compare and swap); else false and nothing changed: read it again. Both have the same
  /// id. `not_found`; `already_exists`: another id has the name.
  virtual Result<bool> update(const Account& seen, const Account& wanted) = 0;
  /// No id above this was ever stored, not even one that is gone: new ids start after it, whatever
  /// the clock says.
  virtual Result<std::uint64_t> last_id() = 0;
};

/// The refresh token that a device holds from now on.
struct Refreshed {
  std::string hash;
  std::string previous_hash;  // of the token that was given for it
  TimeMs now;                 // becomes `last_used`
  TimeMs expires;
};

/// A device that was signed out, whose access tokens are refused.
struct RevokedDevice {
  DeviceId device;
  UserId user;        // 0: not known
  TimeMs tokens_end;  // until when
  TimeMs revoked;     // by the clock of who signed it out; 0: not known

  bool operator==(const RevokedDevice&) const = default;
};

/// Signed-in installations. Blocking; any thread; durable like accounts.
class DeviceStore {
 public:
  virtual ~DeviceStore() = default;
  /// Adds a new device. A retry with the same id and content succeeds; with an id that another
  /// device has, or one that was revoked: `conflict`, and nothing changed.
  virtual Result<void> add(const AccountDevice& device) = 0;
  virtual Result<std::optional<AccountDevice>> by_id(DeviceId id) = 0;
  virtual Result<std::vector<AccountDevice>> of(UserId user) = 0;  // by rising id
  /// Replaces the refresh token only if `expected_hash` is still the valid one (compare and swap);
  /// else false and nothing changed.
  virtual Result<bool> rotate(DeviceId id, std::string_view expected_hash,
                              const Refreshed& next) = 0;
  /// Signs a device out: it is gone, and its access tokens are refused until `tokens_end`. Twice:
  /// no error, and the later times count.
  virtual Result<void> revoke(const RevokedDevice& device) = 0;
  /// Devices whose tokens are refused; rows that ended before `now` are dropped.
  virtual Result<std::vector<RevokedDevice>> revoked(TimeMs now) = 0;
  /// Those that were revoked at `since` or later, the earlier ones first.
  virtual Result<std::vector<RevokedDevice>> revoked_since(TimeMs since) = 0;
  /// As AccountStore::last_id, of devices.
  virtual Result<std::uint64_t> last_id() = 0;
};

/// Random secrets made at first start (the token signing key, the ticket key). Durable; any thread.
class SecretStore {
 public:
  virtual ~SecretStore() = default;
  /// The secret by that name; made of `size` random bytes at its first use, and the same ever
  /// after. `damaged`: what is stored has another size.
  virtual Result<std::string> get_or_make(std::string_view name, std::size_t size) = 0;
};

}  // namespace parley
