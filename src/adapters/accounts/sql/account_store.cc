#include "adapters/accounts/sql/account_store.h"

#include "adapters/shared/sql/execute.h"

namespace parley::accounts {
namespace {

long long number(UserId id) { return static_cast<long long>(id.value); }

struct Row {
  long long id = 0, created = 0;
  std::string name, display_name, about, password_hash;

  Account account() const {
    return {UserId(static_cast<std::uint64_t>(id)), name, display_name, about, TimeMs(created)};
  }
};

// `where` is "id = :key" or "name = :key".
template <class Key>
std::optional<Row> find(soci::session& s, const char* where, const Key& key) {
  Row row;
  soci::statement select =
      (s.prepare << "SELECT id, name, display_name, about, created_ms, password_hash "
                    "FROM accounts WHERE "
                 << where,
       soci::use(key), soci::into(row.id), soci::into(row.name), soci::into(row.display_name),
       soci::into(row.about), soci::into(row.created), soci::into(row.password_hash));
  if (!select.execute(true)) return std::nullopt;
  return row;
}
std::optional<Row> find_id(soci::session& s, UserId id) { return find(s, "id = :key", number(id)); }
std::optional<Row> find_name(soci::session& s, const std::string& name) {
  return find(s, "name = :key", name);
}

std::optional<Account> account_of(const std::optional<Row>& row) {
  if (!row) return std::nullopt;
  return row->account();
}

}  // namespace

Result<void> SqlAccountStore::create(const Account& account, std::string_view password_hash) {
  return db_.write([&](soci::session& s) -> Result<void> {
    auto same = find_id(s, account.id);
    const auto holder = find_name(s, account.name);
    // Stored by another call between the two looks.
    if (!same && holder && holder->id == number(account.id)) same = holder;
    if (same) {
      if (same->account() == account && same->password_hash == password_hash) return {};
      return fail(Code::conflict, "another account has this id");
    }
    if (holder) return fail(Code::already_exists, "the name is taken", "name");
    insert_account(s, account, std::string(password_hash));
    return {};
  });
}

void insert_account(soci::session& s, const Account& account, const std::string& password_hash) {
  const long long id = number(account.id), created = account.created.value;
  sql::execute(s,
               "INSERT INTO accounts (id, name, display_name, about, created_ms, password_hash) "
               "VALUES (:id, :name, :display_name, :about, :created, :password_hash)",
               id, account.name, account.display_name, account.about, created, password_hash);
}

Result<std::optional<Account>> SqlAccountStore::by_id(UserId id) {
  return db_.read([&](soci::session& s) -> Result<std::optional<Account>> {
    return account_of(find_id(s, id));
  });
}

Result<std::optional<Account>> SqlAccountStore::by_name(std::string_view folded_name) {
  return db_.read([&](soci::session& s) -> Result<std::optional<Account>> {
    return account_of(find_name(s, std::string(folded_name)));
  });
}

Result<std::string> SqlAccountStore::password_hash(UserId id) {
  return db_.read([&](soci::session& s) -> Result<std::string> {
    const auto row = find_id(s, id);
    if (!row) return fail(Code::not_found, "there is no such account");
    return row->password_hash;
  });
}

Result<bool> SqlAccountStore::update(const Account& seen, const Account& wanted) {
  return db_.write([&](soci::session& s) -> Result<bool> {
    if (!find_id(s, seen.id)) return fail(Code::not_found, "there is no such account");
    // Who keeps the name that it read may have lost it since: that is for the compare to say.
    if (wanted.name != seen.name) {
      const auto holder = find_name(s, wanted.name);
      if (holder && holder->id != number(seen.id))
        return fail(Code::already_exists, "the name is taken", "name");
    }
    const auto matched =
        sql::execute(s,
                     "UPDATE accounts SET name = :name, display_name = :display_name, "
                     "about = :about WHERE id = :id AND name = :seen_name "
                     "AND display_name = :seen_display_name AND about = :seen_about",
                     wanted.name, wanted.display_name, wanted.about, number(seen.id), seen.name,
                     seen.display_name, seen.about);
    return matched == 1;
  });
}

// An account is never removed.
Result<std::uint64_t> SqlAccountStore::last_id() {
  return db_.read([&](soci::session& s) -> Result<std::uint64_t> {
    long long id = 0;
    s << "SELECT COALESCE(MAX(id), 0) FROM accounts", soci::into(id);
    return static_cast<std::uint64_t>(id);
  });
}

}  // namespace parley::accounts
