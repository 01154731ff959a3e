#pragma once
#include "adapters/shared/sql/database.h"
#include "ports/accounts.h"

namespace parley::accounts {

class SqlDeviceStore final : public DeviceStore {
 public:
  explicit SqlDeviceStore(sql::Database& db) : db_(db) {}

  Result<void> add(const AccountDevice& device) override;
  Result<std::optional<AccountDevice>> by_id(DeviceId id) override;
  Result<std::vector<AccountDevice>> of(UserId user) override;
  Result<bool> rotate(DeviceId id, std::string_view expected_hash, const Refreshed& next) override;
  Result<void> revoke(const RevokedDevice& device) override;
  Result<std::vector<RevokedDevice>> revoked(TimeMs now) override;
  Result<std::vector<RevokedDevice>> revoked_since(TimeMs since) override;
  Result<std::uint64_t> last_id() override;

 private:
  sql::Database& db_;
};

/// For a bulk load within a transaction of the caller.
void insert_device(soci::session& s, const AccountDevice& device);

}  // namespace parley::accounts
