#pragma once
#include <future>
#include <gtest/gtest.h>

#include "adapters/groups/memory/group_store.h"
#include "services/group/group_service.h"
#include "services/group/testing/fake_log.h"

namespace parley::group {

using namespace std::chrono_literals;
using What = GroupChange::What;

inline const UserId kAnn(7), kBob(42), kCat(43), kDan(44), kNobody(2'000'000);

/// Users up to a million exist.
class ManyUsers final : public UserApi {
 public:
  Awaitable<Result<ProfileView>> profile(UserId) override { co_return fail(Code::not_found, "no"); }
  Awaitable<Result<ProfileView>> update(UserId, ProfileChange) override {
    co_return fail(Code::not_found, "no");
  }
  Awaitable<Result<ProfileView>> find(std::string) override {
    co_return fail(Code::not_found, "no");
  }
  Awaitable<Result<std::vector<DeviceView>>> devices(UserId) override {
    co_return std::vector<DeviceView>{};
  }
  Awaitable<Result<bool>> exists(UserId user) override { co_return user.value <= 1'000'000; }
};

/// Remembers what one gateway is given. Any thread.
class Gateway final : public DeliveryApi {
 public:
  void deliver(std::vector<Delivery> batch) override {
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::move(batch));
  }
  void receipts(std::vector<ReceiptNotice>) override {}
  void changed(std::vector<ConversationNotice>) override {}
  void typing(std::vector<TypingNotice> notices) override {
    const std::lock_guard lock(mutex_);
    typing_.insert(typing_.end(), notices.begin(), notices.end());
  }
  void presence(std::vector<PresenceView>) override {}
  void sign_out(UserId, DeviceId) override {}

  std::vector<std::vector<Delivery>> calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
  }
  std::vector<TypingNotice> typing_notices() {
    const std::lock_guard lock(mutex_);
    return typing_;
  }
  /// The seqs that a user was given, in that order.
  std::vector<std::uint64_t> given_to(UserId user) {
    std::vector<std::uint64_t> seqs;
    for (const auto& call : calls())
      for (const auto& delivery : call)
        for (const auto recipient : delivery.recipients)
          if (recipient == user) seqs.push_back(delivery.entry->seq.value);
    return seqs;
  }

 private:
  std::mutex mutex_;
  std::vector<std::vector<Delivery>> calls_;
  std::vector<TypingNotice> typing_;
};

/// Remembers pushes, and refuses some. Any thread.
class Pushes final : public NotificationApi {
 public:
  void notify(std::vector<Push> batch, std::move_only_function<void(Result<void>)> done) override {
    {
      const std::lock_guard lock(mutex_);
      if (refusals > 0) {
        --refusals;
        done(fail(Code::busy, "told to"));
        return;
      }
      largest = std::max(largest.load(), batch.size());
      pushes_.insert(pushes_.end(), batch.begin(), batch.end());
    }
    done({});
  }
  /// The seqs that a user was pushed.
  std::vector<std::uint64_t> of(UserId user) {
    const std::lock_guard lock(mutex_);
    std::vector<std::uint64_t> seqs;
    for (const auto& push : pushes_)
      if (push.user == user) seqs.push_back(push.seq.value);
    return seqs;
  }
  std::size_t count() {
    const std::lock_guard lock(mutex_);
    return pushes_.size();
  }

  std::atomic<int> refusals = 0;
  std::atomic<std::size_t> largest = 0;

 private:
  std::mutex mutex_;
  std::vector<Push> pushes_;
};

/// Counts how often the members of a group are read, and refuses what it is told to. Any thread.
class CountingStore final : public GroupStore {
 public:
  Result<Group> create(const Group& g, std::string_view r, const GroupChange& c) override {
    return inner.create(g, r, c);
  }
  Result<void> apply(GroupId g, UserId a, const GroupChange& c, TimeMs now) override {
    if (conflicts > 0) {
      --conflicts;
      return fail(Code::conflict, "told to");
    }
    return inner.apply(g, a, c, now);
  }
  Result<std::optional<GroupWithRole>> find(GroupId g, UserId u) override {
    return inner.find(g, u);
  }
  Result<std::vector<GroupMember>> roles(GroupId g, const std::vector<UserId>& u) override {
    return inner.roles(g, u);
  }
  Result<std::vector<GroupMember>> members(GroupId g, UserId after, std::size_t limit) override {
    ++members_read;
    return inner.members(g, after, limit);
  }
  Result<std::vector<GroupWithRole>> of(UserId u, GroupId after, std::size_t limit) override {
    return inner.of(u, after, limit);
  }
  Result<std::vector<GroupOutboxRow>> outbox(std::size_t limit) override {
    return inner.outbox(limit);
  }
  Result<void> appended(GroupId g, std::uint64_t version) override {
    return inner.appended(g, version);
  }
  Result<std::uint64_t> last_id() override { return inner.last_id(); }

  groups::MemoryGroupStore inner;
  std::atomic<int> conflicts = 0;
  std::atomic<int> members_read = 0;
};

/// Stands still until a test moves it, and counts who looks at it.
class CountingClock final : public Clock {
 public:
  TimeMs wall() const override { return inner.wall(); }
  Mono mono() const override {
    ++looks;
    return inner.mono();
  }
  ManualClock inner;
  mutable std::atomic<std::uint64_t> looks = 0;
};

inline bool wait_until(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

/// The group service over fakes; the parameter is the number of loops.
class GroupFixture : public testing::TestWithParam<std::size_t> {
 protected:
  GroupFixture() {
    settings.first_pause = settings.longest_pause = 1ms;
    settings.append_within = 20ms;
    start();
  }
  ~GroupFixture() override { stop(); }

  void start() {
    loops = std::make_unique<Loops>(GetParam(), 2);
    service = std::make_unique<GroupService>(
        GroupService::Needs{*loops, counting_clock, store, log, log, users, pushes,
                            [this](GatewayId id) -> DeliveryApi* {
                              return id.value < 3 ? &gateways[id.value] : nullptr;
                            },
                            metrics},
        settings);
    loops->start();
    ASSERT_TRUE(service->start());
  }
  void stop() {
    std::promise<void> drained;
    service->close([&] { drained.set_value(); });
    drained.get_future().get();
    loops->stop();
    service.reset();
  }
  void restart() {
    stop();
    start();
  }

  template <class T>
  T run(Awaitable<T> work) {
    return boost::asio::co_spawn(loops->at(0), std::move(work), boost::asio::use_future).get();
  }
  Result<GroupView> create(std::vector<UserId> members, std::string request = {}) {
    return run(service->create({kAnn, std::move(request), "Club", "pic", std::move(members)}));
  }
  Result<GroupView> change(UserId actor, What what, std::vector<UserId> about = {},
                           std::string text = {}, Role role = Role::member) {
    return run(service->change(actor, club, {what, 0, std::move(text), std::move(about), role}));
  }
  /// Makes the group of most tests: of Ann, Bob and others.
  void make_club(std::vector<UserId> members = {kBob}) {
    const auto made = create(std::move(members));
    ASSERT_TRUE(made) << made.error().message;
    club = made->id;
  }
  /// A change that another life of the service stored and appended, and left in the outbox.
  Result<void> log_and_store(GroupChange made) {
    PARLEY_TRY_VOID(store.inner.apply(club, kAnn, made, clock.wall()));
    PARLEY_TRY_VOID(run(log.append(club, kAnn, made)));
    return {};
  }
  void sessions(UserId user, std::vector<GatewayId> where) {
    std::promise<void> done;
    boost::asio::post(loops->at(service->home()), [&] {
      service->on_sessions({{user, std::move(where)}});
      done.set_value();
    });
    done.get_future().get();
  }
  void online(UserId user, std::uint64_t gateway = 1) { sessions(user, {GatewayId(gateway)}); }
  void offline(UserId user) { sessions(user, {}); }

  using Seqs = std::vector<std::uint64_t>;
  Seqs given_to(UserId user, std::uint64_t gateway = 1) { return gateways[gateway].given_to(user); }
  bool gets(UserId user, Seqs seqs) {
    return wait_until([&] { return given_to(user) == seqs; });
  }
  bool is_pushed(UserId user, Seqs seqs) {
    return wait_until([&] { return pushes.of(user) == seqs; });
  }
  /// The service has looked at the clock as it is now, and done what was due.
  bool ticks() {
    const auto before = counting_clock.looks.load();
    return wait_until([&] { return counting_clock.looks > before + 4; });
  }
  /// Everything up to now is read and decided, the clock standing late enough.
  bool all_decided() {
    return wait_until([&] {
      clock.advance(1'000ms);
      return log.passed_position() == log.end();
    });
  }

  Settings settings;
  CountingClock counting_clock;
  ManualClock& clock = counting_clock.inner;
  CountingStore store;
  FakeLog log;
  ManyUsers users;
  Pushes pushes;
  Gateway gateways[3];
  Metrics metrics;
  std::unique_ptr<Loops> loops;
  std::unique_ptr<GroupService> service;
  GroupId club;
};

}  // namespace parley::group
