#include "adapters/accounts/sql/device_store.h"

#include "adapters/shared/sql/execute.h"

namespace parley::accounts {
namespace {

template <class Id>
long long number(Id id) {
  return static_cast<long long>(id.value);
}

// `where` is "id = :key" or "user_id = :key ORDER BY id".
std::vector<AccountDevice> find(soci::session& s, const char* where, long long key) {
  std::vector<AccountDevice> found;
  long long id = 0, user = 0, created = 0, last_used = 0, expires = 0;
  std::string name, hash, previous;
  soci::statement select =
      (s.prepare << "SELECT id, user_id, name, created_ms, last_used_ms, refresh_hash, "
                    "previous_refresh_hash, refresh_expires_ms FROM devices WHERE "
                 << where,
       soci::use(key), soci::into(id), soci::into(user), soci::into(name), soci::into(created),
       soci::into(last_used), soci::into(hash), soci::into(previous), soci::into(expires));
  select.execute();
  while (select.fetch())
    found.push_back({DeviceId(static_cast<std::uint64_t>(id)),
                     UserId(static_cast<std::uint64_t>(user)), name, TimeMs(created),
                     TimeMs(last_used), hash, previous, TimeMs(expires)});
  return found;
}

// Those whose tokens have ended. Their ids do not come again.
void drop_ended(soci::session& s, long long now) {
  long long last = 0;
  s << "SELECT COALESCE(MAX(id), 0) FROM revoked_devices WHERE tokens_end_ms < :now",
      soci::use(now), soci::into(last);
  if (last == 0) return;
  sql::execute(s, "UPDATE last_ids SET id = :id WHERE kind = 'device' AND id < :below", last, last);
  sql::execute(s, "DELETE FROM revoked_devices WHERE tokens_end_ms < :now AND id <= :last", now,
               last);
}

}  // namespace

Result<void> SqlDeviceStore::put(const AccountDevice& device) {
  return db_.write([&](soci::session& s) -> Result<void> {
    sql::execute(s, "DELETE FROM devices WHERE id = :id", number(device.id));
    insert_device(s, device);
    return {};
  });
}

void insert_device(soci::session& s, const AccountDevice& device) {
  sql::execute(s,
               "INSERT INTO devices (id, user_id, name, created_ms, last_used_ms, refresh_hash, "
               "previous_refresh_hash, refresh_expires_ms) "
               "VALUES (:id, :user, :name, :created, :last_used, :hash, :previous, :expires)",
               number(device.id), number(device.user), device.name, number(device.created),
               number(device.last_used), device.refresh_hash, device.previous_refresh_hash,
               number(device.refresh_expires));
}

Result<std::optional<AccountDevice>> SqlDeviceStore::by_id(DeviceId id) {
  return db_.read([&](soci::session& s) -> Result<std::optional<AccountDevice>> {
    auto found = find(s, "id = :key", number(id));
    if (found.empty()) return std::nullopt;
    return std::move(found.front());
  });
}

Result<std::vector<AccountDevice>> SqlDeviceStore::of(UserId user) {
  return db_.read([&](soci::session& s) -> Result<std::vector<AccountDevice>> {
    return find(s, "user_id = :key ORDER BY id", number(user));
  });
}

Result<bool> SqlDeviceStore::rotate(DeviceId id, std::string_view expected_hash,
                                    const Refreshed& next) {
  return db_.write([&](soci::session& s) -> Result<bool> {
    const auto matched =
        sql::execute(s,
                     "UPDATE devices SET refresh_hash = :hash, previous_refresh_hash = :previous, "
                     "last_used_ms = :now, refresh_expires_ms = :expires "
                     "WHERE id = :id AND refresh_hash = :expected",
                     next.hash, next.previous_hash, number(next.now), number(next.expires),
                     number(id), std::string(expected_hash));
    return matched == 1;
  });
}

Result<void> SqlDeviceStore::revoke(DeviceId id, TimeMs tokens_end) {
  return db_.write([&](soci::session& s) -> Result<void> {
    const long long key = number(id), end = number(tokens_end);
    sql::execute(s, "DELETE FROM devices WHERE id = :id", key);
    // One statement looks and writes, so that of two at once the later end stays.
    const auto matched = sql::execute(
        s,
        "UPDATE revoked_devices SET tokens_end_ms = CASE WHEN tokens_end_ms < :end THEN :later "
        "ELSE tokens_end_ms END WHERE id = :id",
        end, end, key);
    if (matched == 0)
      sql::execute(s, "INSERT INTO revoked_devices (id, tokens_end_ms) VALUES (:id, :end)", key,
                   end);
    return {};
  });
}

Result<std::vector<std::pair<DeviceId, TimeMs>>> SqlDeviceStore::revoked(TimeMs now) {
  return db_.write([&](soci::session& s) -> Result<std::vector<std::pair<DeviceId, TimeMs>>> {
    drop_ended(s, number(now));
    std::vector<std::pair<DeviceId, TimeMs>> found;
    long long id = 0, end = 0;
    soci::statement select =
        (s.prepare << "SELECT id, tokens_end_ms FROM revoked_devices ORDER BY id", soci::into(id),
         soci::into(end));
    select.execute();
    while (select.fetch())
      found.emplace_back(DeviceId(static_cast<std::uint64_t>(id)), TimeMs(end));
    return found;
  });
}

// A device that was stored is in one of the three: signed in, revoked, or the greatest of those
// that were dropped. So signing in writes no row that all sign-ins share.
Result<std::uint64_t> SqlDeviceStore::last_id() {
  return db_.read([&](soci::session& s) -> Result<std::uint64_t> {
    long long id = 0;
    s << "SELECT MAX(id) FROM (SELECT id FROM last_ids WHERE kind = 'device' "
         "UNION ALL SELECT COALESCE(MAX(id), 0) FROM devices "
         "UNION ALL SELECT COALESCE(MAX(id), 0) FROM revoked_devices) ids",
        soci::into(id);
    return static_cast<std::uint64_t>(id);
  });
}

}  // namespace parley::accounts
