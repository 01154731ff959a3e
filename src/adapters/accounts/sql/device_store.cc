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

std::vector<RevokedDevice> find_revoked(soci::session& s, const char* order, long long since) {
  std::vector<RevokedDevice> found;
  long long id = 0, user = 0, end = 0, revoked = 0;
  soci::statement select =
      (s.prepare << "SELECT id, user_id, tokens_end_ms, revoked_ms FROM revoked_devices "
                    "WHERE revoked_ms >= :since ORDER BY "
                 << order,
       soci::use(since), soci::into(id), soci::into(user), soci::into(end), soci::into(revoked));
  select.execute();
  while (select.fetch())
    found.push_back({DeviceId(static_cast<std::uint64_t>(id)),
                     UserId(static_cast<std::uint64_t>(user)), TimeMs(end), TimeMs(revoked)});
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

Result<void> SqlDeviceStore::add(const AccountDevice& device) {
  return db_.write([&](soci::session& s) -> Result<void> {
    const long long key = number(device.id);
    const auto there = find(s, "id = :key", key);
    if (!there.empty()) {
      if (there.front() == device) return {};
      return fail(Code::conflict, "another device has this id");
    }
    insert_device(s, device);
    // Looked for after the insert, which waits for whoever is signing out a device with this id.
    long long revoked = 0;
    s << "SELECT COUNT(*) FROM revoked_devices WHERE id = :id", soci::use(key), soci::into(revoked);
    if (revoked > 0) return fail(Code::conflict, "a device with this id was signed out");
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

Result<void> SqlDeviceStore::revoke(const RevokedDevice& device) {
  return db_.write([&](soci::session& s) -> Result<void> {
    const long long key = number(device.device), user = number(device.user);
    const long long end = number(device.tokens_end), revoked = number(device.revoked);
    sql::execute(s, "DELETE FROM devices WHERE id = :id", key);
    // One statement looks and writes, so that of two at once the later times stay.
    const auto matched = sql::execute(
        s,
        "UPDATE revoked_devices SET user_id = :user, "
        "tokens_end_ms = CASE WHEN tokens_end_ms < :end THEN :later_end ELSE tokens_end_ms END, "
        "revoked_ms = CASE WHEN revoked_ms < :revoked THEN :later ELSE revoked_ms END "
        "WHERE id = :id",
        user, end, end, revoked, revoked, key);
    if (matched == 0)
      sql::execute(s,
                   "INSERT INTO revoked_devices (id, user_id, tokens_end_ms, revoked_ms) "
                   "VALUES (:id, :user, :end, :revoked)",
                   key, user, end, revoked);
    return {};
  });
}

Result<std::vector<RevokedDevice>> SqlDeviceStore::revoked(TimeMs now) {
  return db_.write([&](soci::session& s) -> Result<std::vector<RevokedDevice>> {
    drop_ended(s, number(now));
    return find_revoked(s, "id", 0);
  });
}

Result<std::vector<RevokedDevice>> SqlDeviceStore::revoked_since(TimeMs since) {
  return db_.read([&](soci::session& s) -> Result<std::vector<RevokedDevice>> {
    return find_revoked(s, "revoked_ms, id", number(since));
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
