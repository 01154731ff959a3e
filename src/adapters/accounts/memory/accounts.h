#pragma once
#include <map>
#include <mutex>

#include "ports/accounts.h"

namespace parley::accounts {

class MemoryAccountStore final : public AccountStore {
 public:
  Result<void> create(const Account& account, std::string_view password_hash) override;
  Result<std::optional<Account>> by_id(UserId id) override;
  Result<std::optional<Account>> by_name(std::string_view folded_name) override;
  Result<std::string> password_hash(UserId id) override;
  Result<bool> update(const Account& seen, const Account& wanted) override;
  Result<std::uint64_t> last_id() override;

 private:
  struct Row {
    Account account;
    std::string password_hash;
  };
  std::mutex mutex_;
  std::map<UserId, Row> rows_;
  std::map<std::string, UserId, std::less<>> names_;
};

class MemoryDeviceStore final : public DeviceStore {
 public:
  Result<void> add(const AccountDevice& device) override;
  Result<std::optional<AccountDevice>> by_id(DeviceId id) override;
  Result<std::vector<AccountDevice>> of(UserId user) override;
  Result<bool> rotate(DeviceId id, std::string_view expected_hash, const Refreshed& next) override;
  Result<void> revoke(const RevokedDevice& device) override;
  Result<std::vector<RevokedDevice>> revoked(TimeMs now) override;
  Result<std::vector<RevokedDevice>> revoked_since(TimeMs since) override;
  Result<std::uint64_t> last_id() override;

 private:
  std::mutex mutex_;
  std::map<DeviceId, AccountDevice> rows_;
  std::map<DeviceId, RevokedDevice> revoked_;
  DeviceId last_;
};

class MemorySecretStore final : public SecretStore {
 public:
  Result<std::string> get_or_make(std::string_view name, std::size_t size) override;

 private:
  std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> secrets_;
};

/// The three of them, as SqliteAccounts has them. Any thread.
class MemoryAccounts {
 public:
  AccountStore& accounts() { return accounts_; }
  DeviceStore& devices() { return devices_; }
  SecretStore& secrets() { return secrets_; }

 private:
  MemoryAccountStore accounts_;
  MemoryDeviceStore devices_;
  MemorySecretStore secrets_;
};

}  // namespace parley::accounts
