#include "services/auth/auth_service.h"

#include <boost/asio.hpp>
#include <sodium.h>

#include "base/check.h"
#include "base/log.h"
#include "base/loops.h"
#include "domain/text.h"

namespace parley::auth {
namespace {

// Within which a sign-out is known everywhere (api/auth.h).
constexpr std::chrono::milliseconds kKnownWithin{1'000};

std::unexpected<Error> wrong_credentials() {
  return fail(Code::wrong_credentials, "the user name or the password is wrong");
}

// Takes as long wherever they differ.
bool same_code(const std::string& given, const std::string& known) {
  return given.size() == known.size() &&
         sodium_memcmp(given.data(), known.data(), given.size()) == 0;
}

}  // namespace

Result<std::unique_ptr<AuthService>> AuthService::open(AccountStore& accounts, DeviceStore& devices,
                                                       SecretStore& secrets,
                                                       FailureLimits& failures, const Clock& clock,
                                                       boost::asio::thread_pool& pool,
                                                       AuthSettings settings) {
  PARLEY_CHECK(sodium_init() >= 0, "libsodium has no source of randomness");
  settings.tokens.devices_per_user = settings.limits.devices_per_user;
  PARLEY_TRY(tokens, DeviceTokens::open(accounts, devices, secrets, clock, settings.tokens));
  return std::unique_ptr<AuthService>(
      new AuthService(accounts, failures, clock, pool, std::move(settings), std::move(tokens)));
}

AuthService::AuthService(AccountStore& accounts, FailureLimits& failures, const Clock& clock,
                         boost::asio::thread_pool& pool, AuthSettings settings,
                         std::unique_ptr<DeviceTokens> tokens)
    : accounts_(accounts),
      failures_(failures),
      clock_(clock),
      pool_(pool),
      settings_(std::move(settings)),
      tokens_(std::move(tokens)),
      followed_(clock.mono()),
      hashing_pool_(settings_.hashing_threads),
      hasher_(settings_.password_cost, hashing_pool_,
              settings_.hashing_threads + settings_.hashing_queue) {}

AuthService::~AuthService() { hashing_pool_.join(); }

void AuthService::start() {
  if (settings_.follow_every.count() == 0) return;
  follower_ =
      std::make_unique<Follower>(pool_, settings_.follow_every, [this] { return follow(); });
  follower_->start();
}

void AuthService::stop() {
  if (follower_) follower_->stop();
  follower_.reset();
}

Result<void> AuthService::follow() {
  const auto began = clock_.mono();
  SignedOut signed_out;
  auto followed = tokens_->follow(signed_out);
  if (followed) followed_ = began;
  tell(signed_out);
  return followed;
}

bool AuthService::is_cut_off() const {
  const auto every = settings_.follow_every;
  return every.count() != 0 && clock_.mono() - followed_.load() > std::max(kKnownWithin, 4 * every);
}

void AuthService::tell(const SignedOut& signed_out) const {
  for (const auto& [user, device] : signed_out) {
    log::info("auth", "signed_out user={} device={}", user.value, device.value);
    settings_.on_signed_out(user, device);
  }
}

template <class F>
auto AuthService::on_devices(F work) -> Awaitable<std::invoke_result_t<F, SignedOut&>> {
  SignedOut signed_out;
  auto result = co_await run_blocking(pool_, [&] { return work(signed_out); });
  tell(signed_out);
  co_return result;
}

Awaitable<Result<void>> AuthService::admit(const SignUp& request) {
  if (settings_.sign_up == SignUpPolicy::open) co_return Result<void>();
  if (settings_.sign_up == SignUpPolicy::closed)
    co_return fail(Code::sign_up_closed, "this server does not take new accounts");
  // A wrong code is a failed attempt of its address, so that codes cannot be tried through.
  const std::vector keys{by_address(request.remote_address)};
  PARLEY_CO_TRY_VOID(co_await take(keys));
  bool known = false;
  for (const auto& code : settings_.invites) known |= same_code(request.invite, code);
  if (!known)
    co_return fail(Code::sign_up_closed, "this server wants an invitation code to sign up",
                   "invite");
  failures_.give_back(keys);
  co_return Result<void>();
}

Awaitable<Result<TokenPair>> AuthService::sign_up(SignUp request) {
  PARLEY_CO_TRY_VOID(co_await admit(request));
  PARLEY_CO_TRY(name, fold_user_name(request.name));
  const Limits& limits = settings_.limits;
  if (request.password.size() < limits.password_bytes_min ||
      request.password.size() > limits.password_bytes_max)
    co_return fail(Code::invalid_argument,
                   fmt::format("a password has {} to {} bytes", limits.password_bytes_min,
                               limits.password_bytes_max),
                   "password");
  PARLEY_CO_TRY_VOID(check_label(request.display_name, limits.display_name_bytes, "display_name"));
  PARLEY_CO_TRY_VOID(check_label(request.device_name, limits.display_name_bytes, "device_name"));

  // Looked up before the costly hash; the store decides again.
  PARLEY_CO_TRY(holder, co_await run_blocking(pool_, [&] { return accounts_.by_name(name); }));
  if (holder) co_return fail(Code::already_exists, "the name is taken", "name");
  PARLEY_CO_TRY(hash, co_await hasher_.hash(std::move(request.password)));

  Account account{
      .id = {},
      .name = name,
      .display_name = request.display_name.empty() ? request.name : request.display_name,
      .about = {},
      .created = clock_.wall()};
  co_return co_await on_devices([&](SignedOut& signed_out) -> Result<TokenPair> {
    PARLEY_TRY_VOID(tokens_->store_new([&](std::uint64_t id) {
      account.id = UserId(id);
      return accounts_.create(account, hash);
    }));
    return tokens_->issue(account.id, request.device_name, signed_out);
  });
}

Awaitable<Result<TokenPair>> AuthService::sign_in(SignIn request) {
  PARLEY_CO_TRY_VOID(
      check_label(request.device_name, settings_.limits.display_name_bytes, "device_name"));
  // A name or password that cannot be is treated like a wrong one, in the same time.
  const auto folded = fold_user_name(request.name);
  const bool possible = folded && request.password.size() <= settings_.limits.password_bytes_max;
  if (!possible) request.password.resize(1);
  const std::string name = folded ? *folded : request.name.substr(0, 32);
  const std::vector keys{by_address(request.remote_address), by_name(name)};
  PARLEY_CO_TRY_VOID(co_await take(keys));

  struct Known {
    UserId user;
    std::string hash;
  };
  auto known = co_await run_blocking(pool_, [&]() -> Result<Known> {
    if (!possible) return Known{};
    PARLEY_TRY(account, accounts_.by_name(name));
    if (!account) return Known{};
    PARLEY_TRY(hash, accounts_.password_hash(account->id));
    return Known{account->id, hash};
  });
  Result<bool> right = false;
  if (known) right = co_await hasher_.verify(std::move(request.password), known->hash);
  if (known && right && !*right) co_return wrong_credentials();

  failures_.give_back(keys);
  if (!known) co_return std::unexpected(known.error());
  if (!right) co_return std::unexpected(right.error());
  co_return co_await on_devices([&](SignedOut& signed_out) {
    return tokens_->issue(known->user, request.device_name, signed_out);
  });
}

Awaitable<Result<void>> AuthService::take(std::vector<FailureLimits::Key> keys) {
  return await_call<Result<void>>(
      [this, keys = std::move(keys)](auto taken) { failures_.take(keys, std::move(taken)); });
}

FailureLimits::Key AuthService::by_name(const std::string& name) const {
  const auto& [burst, refill] = settings_.failures_by_name;
  return {"name:" + name, burst, refill};
}

FailureLimits::Key AuthService::by_address(const std::string& remote_address) const {
  const auto& [burst, refill] = settings_.failures_by_address;
  return {"address:" + address_key(remote_address), burst, refill};
}

Awaitable<Result<TokenPair>> AuthService::refresh(std::string refresh_token) {
  co_return co_await on_devices(
      [&](SignedOut& signed_out) { return tokens_->refresh(refresh_token, signed_out); });
}

Awaitable<Result<void>> AuthService::sign_out(UserId user, DeviceId device) {
  co_return co_await on_devices(
      [&](SignedOut& signed_out) { return tokens_->sign_out(user, device, signed_out); });
}

Awaitable<Result<void>> AuthService::sign_out_all(UserId user) {
  co_return co_await on_devices(
      [&](SignedOut& signed_out) { return tokens_->sign_out_all(user, signed_out); });
}

Awaitable<Result<Revocations>> AuthService::revoked(std::uint64_t after,
                                                    std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds kLook{100};  // sockets are to be closed within 1 s
  const auto until = clock_.mono() + patience;
  boost::asio::steady_timer timer(co_await boost::asio::this_coro::executor);
  for (;;) {
    // Who knows nothing yet gets what is known all the same.
    if (after != 0 && is_cut_off())
      co_return fail(Code::unavailable,
                     "this process cannot read which devices others signed out: ask another one");
    auto news = tokens_->revocations().after(after);
    if (!news.devices.empty() || news.version != after || clock_.mono() >= until) co_return news;
    timer.expires_after(kLook);
    co_await timer.async_wait(boost::asio::use_awaitable);
  }
}

}  // namespace parley::auth
