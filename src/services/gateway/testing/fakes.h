#pragma once
#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>

#include "api/auth.h"
#include "api/delivery.h"
#include "api/discovery.h"
#include "api/group.h"
#include "api/message.h"
#include "api/presence.h"
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

/// Notes what it is told, in order; those whom it was told of are on gateway 1. Any thread.
class FakeSessions final : public SessionApi {
 public:
  void subscribe(SessionListener&, std::size_t) override {}
  void heartbeat(GatewayId, std::move_only_function<void(bool)> answer) override {
    ++heartbeats;
    answer(!forgets.exchange(false));
  }
  void gateway_gone(GatewayId) override {}
  void update(GatewayId gateway, std::vector<Presence> changes) override;
  void locate(std::vector<UserId> users,
              std::move_only_function<void(std::vector<Location>)> found) override;
  std::vector<std::pair<UserId, bool>> told() const;

  std::atomic<bool> forgets{false};  // at the next heartbeat it knows nobody
  std::atomic<int> heartbeats{0};

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<UserId, bool>> told_;
};

/// Groups whose changes all succeed, for those who are in them. Any thread.
class FakeGroups final : public GroupApi {
 public:
  /// A group with those members, the owner first.
  void add(GroupId group, std::vector<std::uint64_t> members);
  void fail_with(std::optional<Error> error);
  std::vector<GroupCreate> created() const;
  std::vector<std::pair<UserId, GroupChange>> changes() const;  // by whom
  std::vector<std::pair<UserId, GroupId>> typed() const;

  Awaitable<Result<GroupView>> create(GroupCreate request) override;
  Awaitable<Result<GroupView>> change(UserId actor, GroupId group, GroupChange change) override;
  Awaitable<Result<GroupView>> view(UserId asker, GroupId group) override;
  Awaitable<Result<std::vector<GroupView>>> of(UserId user, GroupId after,
                                               std::size_t limit) override;
  Awaitable<Result<std::vector<GroupMemberView>>> members(UserId asker, GroupId group, UserId after,
                                                          std::size_t limit) override;
  void typing(UserId user, GroupId group) override;

 private:
  Result<GroupView> view_locked(UserId asker, GroupId group) const;

  mutable std::mutex mutex_;
  std::map<GroupId, std::vector<UserId>> groups_;
  std::optional<Error> error_;
  std::vector<GroupCreate> created_;
  std::vector<std::pair<UserId, GroupChange>> changes_;
  std::vector<std::pair<UserId, GroupId>> typed_;
};

/// Who is online, as told. Any thread.
class FakePresence final : public PresenceApi {
 public:
  void set(std::uint64_t user, bool online, std::int64_t last_seen);
  void fail_with(std::optional<Error> error);
  /// Runs within the next `of`, after it has looked.
  void before_answer(std::function<void()> call);
  std::set<UserId> watched() const;
  std::size_t watches() const;  // calls

  void watch(GatewayId gateway, std::vector<UserId> added, std::vector<UserId> removed) override;
  Awaitable<Result<std::vector<PresenceView>>> of(std::vector<UserId> users) override;

 private:
  mutable std::mutex mutex_;
  std::map<UserId, PresenceView> states_;
  std::set<UserId> watched_;
  std::size_t watches_ = 0;
  std::optional<Error> error_;
  std::function<void()> before_answer_;
};

/// Recommends what it is told to, at first whoever is asked; notes who asked. Any thread.
class FakeDiscovery final : public DiscoveryApi {
 public:
  struct Asked {
    std::optional<Coordinates> at;
    std::string zone, address, last;
    std::size_t limit;
    bool operator==(const Asked&) const = default;
  };
  void answer_with(Result<std::vector<RecommendedGateway>> answer);
  Asked asked() const;  // the last time

  Result<std::vector<RecommendedGateway>> recommend(const Seeker& seeker) override;

 private:
  mutable std::mutex mutex_;
  Result<std::vector<RecommendedGateway>> answer_{{{"", "attic"}}};
  Asked asked_{};
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
  void append(EntryPtr entry);
  /// A group's members: they alone see it.
  void add_group(std::uint64_t group, std::vector<std::uint64_t> members);
  Marks marks(const ConversationId& conversation, UserId user) const;
  std::size_t asked_sends() const;
  std::vector<SendRequest> sent() const;

  void hold_answers();  // from now on
  void release_answers();
  void fail_sends(std::optional<Error> error);
  void fail_reads(std::optional<Error> error);
  std::size_t failed_reads() const;  // by that
  /// How many entries a `changes` is told of are new since a time.
  TimeMs last_since() const;

  void send(std::vector<SendRequest> batch, MessageListener& listener) override;
  void mark(std::vector<MarkRequest> batch, MessageListener& listener) override;
  Awaitable<Result<Changes>> changes(UserId user, Cursor since) override;
  Awaitable<Result<std::vector<EntryPtr>>> entries(UserId asker, ConversationId conversation,
                                                   Seq from, Seq to, std::size_t limit) override;
  Awaitable<Result<HistoryPage>> history(UserId asker, ConversationId conversation,
                                         HistoryQuery query) override;
  Awaitable<Result<Head>> append(GroupId group, UserId actor, GroupChange change) override;
  Awaitable<Result<std::vector<Marks>>> marks(ConversationId conversation,
                                              std::vector<UserId> users) override;
  Awaitable<Result<Receipts>> receipts(UserId asker, ConversationId conversation, Seq seq) override;
  Awaitable<Result<std::vector<UserId>>> visible(UserId asker, std::vector<UserId> users) override;
  Awaitable<Result<Head>> head(ConversationId) override { co_return Head{}; }
  Awaitable<Result<ConversationView>> view(UserId asker, ConversationId conversation) override;
  Awaitable<Result<std::vector<ConversationView>>> conversations(
      UserId user, std::optional<ConversationId> after, std::size_t limit) override;

 private:
  using Log = std::vector<EntryPtr>;
  bool may_see(UserId user, const ConversationId& conversation) const;
  EntryPtr append_locked(const ConversationId& conversation, UserId sender, std::string key,
                         std::string body, TimeMs time);
  ConversationView view_locked(const ConversationId& conversation, UserId user) const;

  Loops& loops_;
  mutable std::mutex mutex_;
  std::map<ConversationId, Log> logs_;
  std::map<ConversationId, std::set<UserId>> groups_;
  std::map<std::pair<ConversationId, UserId>, Marks> marks_;
  std::vector<SendRequest> sent_;
  bool holding_ = false;
  std::vector<std::move_only_function<void()>> held_;
  std::optional<Error> send_error_, read_error_;
  TimeMs last_since_;
  std::size_t failed_reads_ = 0;
};

}  // namespace parley::gateway::testing
