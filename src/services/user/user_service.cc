#include "services/user/user_service.h"

#include <boost/asio.hpp>

#include "base/loops.h"
#include "domain/text.h"

namespace parley::user {
namespace {

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

UserService::UserService(AccountStore& accounts, DeviceStore& devices, const Clock& clock,
                         boost::asio::thread_pool& pool, UserSettings settings)
    : accounts_(accounts),
      devices_(devices),
      clock_(clock),
      pool_(pool),
      settings_(std::move(settings)),
      known_(settings_.known_users) {}

Awaitable<Result<ProfileView>> UserService::profile(UserId user) {
  co_return co_await run_blocking(pool_, [&] { return view(accounts_.by_id(user)); });
}

Awaitable<Result<ProfileView>> UserService::find(std::string name) {
  PARLEY_CO_TRY(folded, fold_user_name(name));
  co_return co_await run_blocking(pool_, [&] { return view(accounts_.by_name(folded)); });
}

Awaitable<Result<ProfileView>> UserService::update(UserId user, ProfileChange change) {
  PARLEY_CO_TRY(wanted, checked(std::move(change), settings_.limits));
  co_return co_await run_blocking(pool_, [&]() -> Result<ProfileView> {
    const std::lock_guard lock(updating_);
    PARLEY_TRY(account, accounts_.by_id(user));
    if (!account) return fail(Code::not_found, "there is no such user");
    if (wanted.name) account->name = *wanted.name;
    if (wanted.display_name) account->display_name = *wanted.display_name;
    if (wanted.about) account->about = *wanted.about;
    PARLEY_TRY_VOID(accounts_.update(*account));
    return view(account);
  });
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
