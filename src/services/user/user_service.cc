#include "services/user/user_service.h"

#include <boost/asio.hpp>
#include <charconv>
#include <fmt/format.h>
#include <ranges>

#include "base/log.h"
#include "base/loops.h"
#include "domain/text.h"

namespace parley::user {
namespace {

constexpr int kUpdateAttempts = 16;  // each lost to another update of the same user
constexpr std::uint32_t kRetryMs = 1'000;

Result<ProfileView> view(Result<std::optional<Account>> found) {
  if (!found) return std::unexpected(found.error());
  if (!*found) return fail(Code::not_found, "there is no such user");
  const Account& account = **found;
  return ProfileView{.user = account.id,
                     .name = account.name,
                     .display_name = account.display_name,
                     .about = account.about,
                     .created = account.created};
}

std::string key_of(UserId user) { return fmt::format("profile:{}", user.value); }

// Lines: the version of this form, when the account was made, and the texts, which have no line
// ends.
std::string encode(const ProfileView& view) {
  return fmt::format("1\n{}\n{}\n{}\n{}", view.created.value, view.name, view.display_name,
                     view.about);
}

/// Nothing if it is of another version, or damaged.
std::optional<ProfileView> decode(UserId user, std::string_view kept) {
  std::vector<std::string> lines;
  for (const auto line : std::views::split(kept, '\n'))
    lines.emplace_back(line.begin(), line.end());
  ProfileView view{.user = user, .name = {}, .display_name = {}, .about = {}, .created = {}};
  if (lines.size() != 5 || lines[0] != "1") return {};
  const auto& created = lines[1];
  const auto parsed =
      std::from_chars(created.data(), created.data() + created.size(), view.created.value);
  if (parsed.ec != std::errc() || parsed.ptr != created.data() + created.size()) return {};
  view.name = lines[2];
  view.display_name = lines[3];
  view.about = lines[4];
  return view;
}

// Folds and checks what is given; what is not given stays.
Result<ProfileChange> checked(ProfileChange change, const Limits& limits) {
  if (change.name) {
    PARLEY_TRY(folded, fold_user_name(*change.name));
    change.name = folded;
  }
  if (change.display_name) {
    PARLEY_TRY_VOID(check_label(*change.display_name, limits.display_name_bytes, "display_name"));
    if (change.display_name->empty())
      return fail(Code::invalid_argument, "display_name is not empty", "display_name");
  }
  if (change.about) PARLEY_TRY_VOID(check_label(*change.about, limits.about_bytes, "about"));
  return change;
}

}  // namespace

UserService::UserService(AccountStore& accounts, DeviceStore& devices, Cache& cache,
                         const Clock& clock, boost::asio::thread_pool& pool, UserSettings settings)
    : accounts_(accounts),
      devices_(devices),
      cache_(cache),
      clock_(clock),
      pool_(pool),
      settings_(std::move(settings)),
      known_(settings_.known_users) {}

Awaitable<Result<ProfileView>> UserService::profile(UserId user) {
  const auto key = key_of(user);
  const auto kept = co_await await_call<std::optional<std::string>>(
      [this, &key](auto got) { cache_.get(key, std::move(got)); });
  if (kept)
    if (auto known = decode(user, *kept)) co_return *std::move(known);
  const auto begun = clock_.mono();
  auto read = co_await run_blocking(pool_, [&] { return view(accounts_.by_id(user)); });
  if (read && clock_.mono() - begun < Cache::kReadAtMost) cache_.fill(key, encode(*read));
  co_return read;
}

Awaitable<Result<ProfileView>> UserService::find(std::string name) {
  PARLEY_CO_TRY(folded, fold_user_name(name));
  co_return co_await run_blocking(pool_, [&] { return view(accounts_.by_name(folded)); });
}

Awaitable<Result<ProfileView>> UserService::update(UserId user, ProfileChange change) {
  PARLEY_CO_TRY(wanted, checked(std::move(change), settings_.limits));
  auto changed = co_await run_blocking(pool_, [&]() -> Result<ProfileView> {
    for (int attempt = 0; attempt < kUpdateAttempts; ++attempt) {
      PARLEY_TRY(seen, accounts_.by_id(user));
      auto account = seen;
      if (!account) return fail(Code::not_found, "there is no such user");
      if (wanted.name) account->name = *wanted.name;
      if (wanted.display_name) account->display_name = *wanted.display_name;
      if (wanted.about) account->about = *wanted.about;
      PARLEY_TRY(updated, accounts_.update(*seen, *account));
      if (updated) return view(account);
    }
    return fail_for(Code::unavailable, "others are changing this profile: try again", kRetryMs);
  });
  // Also if it failed: what is stored then is for the next reader to find out.
  const auto told = co_await await_call<Result<void>>(
      [this, key = key_of(user)](auto done) { cache_.invalidate(key, std::move(done)); });
  if (!told)
    log::warn("user", "event=not_invalidated user={} reason=\"{}\"", user.value,
              told.error().message);
  co_return changed;
}

Awaitable<Result<std::vector<DeviceView>>> UserService::devices(UserId user) {
  co_return co_await run_blocking(pool_, [&]() -> Result<std::vector<DeviceView>> {
    PARLEY_TRY(held, devices_.of(user));
    std::vector<DeviceView> views;
    // One whose refresh token has expired is signed in no more.
    for (const auto& device : held)
      if (device.refresh_expires > clock_.wall())
        views.push_back({device.id, device.name, device.created, device.last_used});
    return views;
  });
}

Awaitable<Result<bool>> UserService::exists(UserId user) {
  if (known_.contains(user)) co_return true;
  co_return co_await run_blocking(pool_, [&]() -> Result<bool> {
    PARLEY_TRY(account, accounts_.by_id(user));
    if (account) known_.add(user);
    return account.has_value();
  });
}

}  // namespace parley::user
