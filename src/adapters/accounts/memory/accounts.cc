#include "adapters/accounts/memory/accounts.h"

#include <algorithm>
#include <ranges>
#include <sys/random.h>

#include "base/check.h"

namespace parley::accounts {

Result<void> MemoryAccountStore::create(const Account& account, std::string_view password_hash) {
  const std::lock_guard lock(mutex_);
  if (const auto same = rows_.find(account.id); same != rows_.end()) {
    if (same->second.account == account && same->second.password_hash == password_hash) return {};
    return fail(Code::conflict, "another account has this id");
  }
  if (names_.contains(account.name)) return fail(Code::already_exists, "the name is taken", "name");
  names_.emplace(account.name, account.id);
  rows_.emplace(account.id, Row{account, std::string(password_hash)});
  return {};
}

Result<std::optional<Account>> MemoryAccountStore::by_id(UserId id) {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(id);
  if (found == rows_.end()) return std::nullopt;
  return found->second.account;
}

Result<std::optional<Account>> MemoryAccountStore::by_name(std::string_view folded_name) {
  const std::lock_guard lock(mutex_);
  const auto found = names_.find(folded_name);
  if (found == names_.end()) return std::nullopt;
  return rows_.at(found->second).account;
}

Result<std::string> MemoryAccountStore::password_hash(UserId id) {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(id);
  if (found == rows_.end()) return fail(Code::not_found, "there is no such account");
  return found->second.password_hash;
}

Result<bool> MemoryAccountStore::update(const Account& seen, const Account& wanted) {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(seen.id);
  if (found == rows_.end()) return fail(Code::not_found, "there is no such account");
  Account& stored = found->second.account;
  if (stored.name != seen.name || stored.display_name != seen.display_name ||
      stored.about != seen.about)
    return false;
  const auto holder = names_.find(wanted.name);
  if (holder != names_.end() && holder->second != seen.id)
    return fail(Code::already_exists, "the name is taken", "name");
  names_.erase(stored.name);
  names_.emplace(wanted.name, seen.id);
  stored.name = wanted.name;
  stored.display_name = wanted.display_name;
  stored.about = wanted.about;
  return true;
}

Result<std::uint64_t> MemoryAccountStore::last_id() {
  const std::lock_guard lock(mutex_);
  return rows_.empty() ? 0 : rows_.rbegin()->first.value;
}

Result<void> MemoryDeviceStore::add(const AccountDevice& device) {
  const std::lock_guard lock(mutex_);
  const auto [held, added] = rows_.try_emplace(device.id, device);
  if (held->second != device) return fail(Code::conflict, "another device has this id");
  if (added && revoked_.contains(device.id)) {
    rows_.erase(held);
    return fail(Code::conflict, "a device with this id was signed out");
  }
  last_ = std::max(last_, device.id);
  return {};
}

Result<std::optional<AccountDevice>> MemoryDeviceStore::by_id(DeviceId id) {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(id);
  if (found == rows_.end()) return std::nullopt;
  return found->second;
}

Result<std::vector<AccountDevice>> MemoryDeviceStore::of(UserId user) {
  const std::lock_guard lock(mutex_);
  std::vector<AccountDevice> found;
  for (const auto& [id, device] : rows_)
    if (device.user == user) found.push_back(device);
  return found;
}

Result<bool> MemoryDeviceStore::rotate(DeviceId id, std::string_view expected_hash,
                                       const Refreshed& next) {
  const std::lock_guard lock(mutex_);
  const auto found = rows_.find(id);
  if (found == rows_.end() || found->second.refresh_hash != expected_hash) return false;
  AccountDevice& device = found->second;
  device.refresh_hash = next.hash;
  device.previous_refresh_hash = next.previous_hash;
  device.last_used = next.now;
  device.refresh_expires = next.expires;
  return true;
}

Result<void> MemoryDeviceStore::revoke(const RevokedDevice& device) {
  const std::lock_guard lock(mutex_);
  rows_.erase(device.device);
  RevokedDevice& row = revoked_[device.device];
  row = {device.device, device.user, std::max(row.tokens_end, device.tokens_end),
         std::max(row.revoked, device.revoked)};
  return {};
}

Result<std::vector<RevokedDevice>> MemoryDeviceStore::revoked(TimeMs now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(revoked_, [&](const auto& row) { return row.second.tokens_end < now; });
  const auto rows = revoked_ | std::views::values;
  return std::vector<RevokedDevice>(rows.begin(), rows.end());
}

Result<std::vector<RevokedDevice>> MemoryDeviceStore::revoked_since(TimeMs since) {
  const std::lock_guard lock(mutex_);
  std::vector<RevokedDevice> found;
  for (const auto& row : revoked_ | std::views::values)
    if (row.revoked >= since) found.push_back(row);
  std::ranges::sort(found, {}, [](const auto& row) { return std::pair(row.revoked, row.device); });
  return found;
}

Result<std::uint64_t> MemoryDeviceStore::last_id() {
  const std::lock_guard lock(mutex_);
  return last_.value;
}

Result<std::string> MemorySecretStore::get_or_make(std::string_view name, std::size_t size) {
  const std::lock_guard lock(mutex_);
  auto found = secrets_.find(name);
  if (found == secrets_.end()) {
    std::string bytes(size, '\0');
    PARLEY_CHECK(::getrandom(bytes.data(), size, 0) == static_cast<ssize_t>(size),
                 "the kernel gives no random bytes");
    found = secrets_.emplace(std::string(name), std::move(bytes)).first;
  }
  if (found->second.size() != size)
    return fail(Code::damaged, "the stored secret " + std::string(name) + " has another size");
  return found->second;
}

}  // namespace parley::accounts
