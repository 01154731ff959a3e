#pragma once
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "api/auth.h"
#include "api/delivery.h"
#include "api/message.h"
#include "api/session.h"
#include "api/user.h"
#include "base/loops.h"

namespace parley::gateway::testing {

/// Takes `token(user, device, expires)` for an access token. Any thread.
class FakeAuth final : public AuthApi {
 public:
  static std::string token(std::uint64_t user, std::uint64_t device, std::int64_t expires_ms);
  void revoke(DeviceId device);
  std::vector<DeviceId> signed_out() const;

  Awaitable<Result<TokenPair>> sign_up(SignUp request) override;
  Awaitable<Result<TokenPair>> sign_in(SignIn request) override;
  Awaitable<Result<TokenPair>> refresh(std::string refresh_token) override;
  Awaitable<Result<void>> sign_out(UserId user, DeviceId device) override;
  Awaitable<Result<void>> sign_out_all(UserId user) override;
  Result<Principal> check(std::string_view access_token) const override;
  bool is_revoked(DeviceId device) const override;

 private:
  mutable std::mutex mutex_;
  std::set<DeviceId> revoked_;
};

/// Users 1 to 9, named `user1` and so on; each has devices USER*10 and USER*10+1.
class FakeUsers final : public UserApi {
 public:
  Awaitable<Result<ProfileView>> profile(UserId user) override;
  Awaitable<Result<ProfileView>> update(UserId user, ProfileChange change) override;
  Awaitable<Result<ProfileView>> find(std::string name) override;
  Awaitable<Result<std::vector<DeviceView>>> devices(UserId user) override;
  Awaitable<Result<bool>> exists(UserId user) override;
};

/// Notes what it is told, in order. Any thread.
class FakeSessions final : public SessionApi {
 public:
  void update(GatewayId gateway, std::vector<Presence> changes) override;
  void locate(std::vector<UserId>,
              std::move_only_function<void(std::vector<Location>)> found) override;
  std::vector<std::pair<UserId, bool>> told() const;

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<UserId, bool>> told_;
};

/// Conversation logs in memory. Answers at once, or when told to. Delivers nothing by itself. Any
/// thread; answers on the loop that asked.
class FakeMessages final : public MessageApi {
 public:
  explicit FakeMessages(Loops& loops) : loops_(loops) {}

  static constexpr std::uint64_t kEpoch = 77;

  /// Appends as if `sender` had sent it.
  EntryPtr append(const ConversationId& conversation, UserId sender, std::string text,
                  TimeMs time = TimeMs(1'000));
  Marks marks(const ConversationId& conversation, UserId user) const;
  std::size_t asked_sends() const;
  std::vector<SendRequest> sent() const;

  void hold_answers();  // from now on
  void release_answers();
  void fail_sends(std::optional<Error> error);
  void fail_reads(std::optional<Error> error);
  /// How many entries a `changes` is told of are new since a time.
  TimeMs last_since() const;

  void send(std::vector<SendRequest> batch, MessageListener& listener) override;
  void mark(std::vector<MarkRequest> batch, MessageListener& listener) override;
  Awaitable<Result<Changes>> changes(UserId user, Cursor since) override;
  Awaitable<Result<std::vector<EntryPtr>>> entries(UserId asker, ConversationId conversation,
                                                   Seq from, Seq to, std::size_t limit) override;
  Awaitable<Result<HistoryPage>> history(UserId asker, ConversationId conversation,
                                         HistoryQuery query) override;
  Awaitable<Result<ConversationView>> view(UserId asker, ConversationId conversation) override;
  Awaitable<Result<std::vector<ConversationView>>> conversations(
      UserId user, std::optional<ConversationId> after, std::size_t limit) override;

 private:
  using Log = std::vector<EntryPtr>;
  EntryPtr append_locked(const ConversationId& conversation, UserId sender, std::string key,
                         std::string body, TimeMs time);
  ConversationView view_locked(const ConversationId& conversation, UserId user) const;

  Loops& loops_;
  mutable std::mutex mutex_;
  std::map<ConversationId, Log> logs_;
  std::map<std::pair<ConversationId, UserId>, Marks> marks_;
  std::vector<SendRequest> sent_;
  bool holding_ = false;
  std::vector<std::move_only_function<void()>> held_;
  std::optional<Error> send_error_, read_error_;
  TimeMs last_since_;
};

}  // namespace parley::gateway::testing
