// The smaller apis give through a connection what they give without.
#include <google/protobuf/descriptor.h>
#include <gtest/gtest.h>

#include "rpc/auth.h"
#include "rpc/delivery.h"
#include "rpc/feed.h"
#include "rpc/group.h"
#include "rpc/message.h"
#include "rpc/notification.h"
#include "rpc/presence.h"
#include "rpc/testing/fake_messages.h"
#include "rpc/testing/processes.h"
#include "rpc/user.h"

namespace parley::rpc::testing {
namespace {

class FakeUsers final : public UserApi {
 public:
  Awaitable<Result<ProfileView>> profile(UserId user) override {
    co_return ProfileView{user, "ann", "Ann", "about", TimeMs(5)};
  }
  Awaitable<Result<ProfileView>> update(UserId user, ProfileChange change) override {
    co_return ProfileView{user, change.name.value_or("-"), change.display_name.value_or("-"),
                          change.about.value_or("-"), TimeMs(5)};
  }
  Awaitable<Result<ProfileView>> find(std::string name) override {
    co_return fail(Code::not_found, name);
  }
  Awaitable<Result<std::vector<DeviceView>>> devices(UserId user) override {
    co_return std::vector{DeviceView{DeviceId(user.value), "phone", TimeMs(1), TimeMs(2)}};
  }
  Awaitable<Result<bool>> exists(UserId user) override { co_return user == UserId(7); }
};

class FakeGroups final : public GroupApi {
 public:
  static GroupView view_of(std::string title) {
    return {GroupId(913), std::move(title), "pic", UserId(7), 4, TimeMs(5), 6, Role::admin};
  }
  Awaitable<Result<GroupView>> create(GroupCreate r) override {
    co_return view_of(r.request + r.title + r.picture + std::to_string(r.members.size()));
  }
  Awaitable<Result<GroupView>> change(UserId, GroupId, GroupChange change) override {
    if (change.what == GroupChange::What::dissolved) co_return fail(Code::forbidden, "no");
    co_return view_of(change.text);
  }
  Awaitable<Result<GroupView>> view(UserId, GroupId) override { co_return view_of("t"); }
  Awaitable<Result<std::vector<GroupView>>> of(UserId, GroupId after, std::size_t limit) override {
    co_return std::vector(limit, view_of(std::to_string(after.value)));
  }
  Awaitable<Result<std::vector<GroupMemberView>>> members(UserId, GroupId, UserId after,
                                                          std::size_t limit) override {
    co_return std::vector(limit, GroupMemberView{after, Role::owner, TimeMs(8)});
  }
  void typing(UserId user, GroupId group) override { typed = user.value + group.value; }
  std::atomic<std::uint64_t> typed{0};
};

class FakeFeed final : public FeedApi {
 public:
  Awaitable<Result<std::uint64_t>> position(std::string consumer) override {
    co_return consumer.size();
  }
  Awaitable<Result<FeedItems>> read(std::uint64_t after, std::size_t limit,
                                    std::chrono::milliseconds patience) override {
    co_return FeedItems{{{after + 1, change_entry()}},
                        after + limit + static_cast<std::uint64_t>(patience.count())};
  }
  void passed(std::string consumer, std::uint64_t position) override {
    if (consumer == "groups") last = position;
  }
  std::atomic<std::uint64_t> last{0};
};

class FakePresence final : public PresenceApi {
 public:
  void watch(GatewayId gateway, std::vector<UserId> added, std::vector<UserId> removed) override {
    const std::lock_guard lock(mutex_);
    for (auto user : added) watched_.insert({gateway.value, user.value});
    for (auto user : removed) watched_.erase({gateway.value, user.value});
  }
  Awaitable<Result<std::vector<PresenceView>>> of(std::vector<UserId> users) override {
    std::vector<PresenceView> out;
    for (auto user : users) out.push_back({user, user == UserId(7), TimeMs(9)});
    co_return out;
  }
  std::set<std::pair<std::uint64_t, std::uint64_t>> watched() {
    const std::lock_guard lock(mutex_);
    return watched_;
  }
  void forget() {
    const std::lock_guard lock(mutex_);
    watched_.clear();
  }

 private:
  std::mutex mutex_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> watched_;
};

class FakeNotifications final : public NotificationApi {
 public:
  void notify(std::vector<Push> pushes, std::move_only_function<void(Result<void>)> done) override {
    const bool refuse = pushes.empty();
    {
      const std::lock_guard lock(mutex_);
      pushes_.insert(pushes_.end(), pushes.begin(), pushes.end());
    }
    if (refuse)
      done(fail(Code::storage_full, "no space"));
    else
      done({});
  }
  std::vector<Push> pushes() {
    const std::lock_guard lock(mutex_);
    return pushes_;
  }

 private:
  std::mutex mutex_;
  std::vector<Push> pushes_;
};

class FakeGateway final : public DeliveryApi {
 public:
  void deliver(std::vector<Delivery> entries) override { take(deliveries, entries); }
  void receipts(std::vector<ReceiptNotice> n) override { take(receipts_, n); }
  void changed(std::vector<ConversationNotice> n) override { take(changed_, n); }
  void typing(std::vector<TypingNotice> n) override { take(typing_, n); }
  void presence(std::vector<PresenceView> n) override { take(presence_, n); }
  void sign_out(UserId user, DeviceId device) override {
    std::vector<std::pair<UserId, DeviceId>> one{{user, device}};
    take(signed_out, one);
  }
  template <class T>
  std::vector<T> get(const std::vector<T>& kept) {
    const std::lock_guard lock(mutex_);
    return kept;
  }
  std::vector<Delivery> deliveries;
  std::vector<ReceiptNotice> receipts_;
  std::vector<ConversationNotice> changed_;
  std::vector<TypingNotice> typing_;
  std::vector<PresenceView> presence_;
  std::vector<std::pair<UserId, DeviceId>> signed_out;

 private:
  template <class T>
  void take(std::vector<T>& kept, std::vector<T>& more) {
    const std::lock_guard lock(mutex_);
    std::ranges::move(more, std::back_inserter(kept));
  }
  std::mutex mutex_;
};

class Apis : public ::testing::Test {
 protected:
  Apis() {
    serve(serving.router, users_fake);
    serve(serving.router, groups_fake);
    serve(serving.router, feed_fake);
    serve(serving.router, presence_fake);
    serve(serving.router, notifications_fake);
    serve(serving.router, gateway_fake);
    serving.start();
    asking.emplace(serving.address());
    users.emplace(asking->pool);
    groups.emplace(asking->link);
    feed.emplace(asking->link);
    presence.emplace(asking->link);
    notifications.emplace(asking->link);
    gateway.emplace(asking->link);
    asking->start_and_connect();
    asking->start_pool({serving.address()});
  }
  ~Apis() override {
    asking->stop();
    serving.stop();
  }
  template <class T>
  Result<T> call(Awaitable<Result<T>> work) {
    return await(asking->loops, std::move(work));
  }

  Serving serving;
  FakeUsers users_fake;
  FakeGroups groups_fake;
  FakeFeed feed_fake;
  FakePresence presence_fake;
  FakeNotifications notifications_fake;
  FakeGateway gateway_fake;
  std::optional<Asking> asking;
  std::optional<UserClient> users;
  std::optional<GroupClient> groups;
  std::optional<FeedClient> feed;
  std::optional<PresenceClient> presence;
  std::optional<NotificationClient> notifications;
  std::optional<DeliveryClient> gateway;
};

TEST_F(Apis, Users) {
  const auto profile = call(users->profile(UserId(7))).value();
  EXPECT_EQ(profile.user, UserId(7));
  EXPECT_EQ(profile.name + profile.display_name + profile.about, "annAnnabout");
  EXPECT_EQ(profile.created, TimeMs(5));
  const auto updated =
      call(users->update(UserId(7), {.name = {}, .display_name = "A", .about = ""}));
  EXPECT_EQ(updated->name, "-");
  EXPECT_EQ(updated->display_name, "A");
  EXPECT_EQ(updated->about, "");
  EXPECT_EQ(call(users->find("nobody")).error().code, Code::not_found);
  const auto devices = call(users->devices(UserId(9))).value();
  ASSERT_EQ(devices.size(), 1u);
  EXPECT_EQ(devices[0].device, DeviceId(9));
  EXPECT_EQ(devices[0].name, "phone");
  EXPECT_EQ(devices[0].created, TimeMs(1));
  EXPECT_EQ(devices[0].last_used, TimeMs(2));
  EXPECT_TRUE(call(users->exists(UserId(7))).value());
  EXPECT_FALSE(call(users->exists(UserId(8))).value());
}

TEST_F(Apis, Groups) {
  const auto made =
      call(groups->create({UserId(7), "r", "t", "p", {UserId(8), UserId(9)}})).value();
  EXPECT_EQ(made.title, "rtp2");
  EXPECT_EQ(made.id, GroupId(913));
  EXPECT_EQ(made.picture, "pic");
  EXPECT_EQ(made.owner, UserId(7));
  EXPECT_EQ(made.version, 4u);
  EXPECT_EQ(made.created, TimeMs(5));
  EXPECT_EQ(made.members, 6u);
  EXPECT_EQ(made.role, Role::admin);
  GroupChange change{GroupChange::What::title, 0, "new", {}, Role::member};
  EXPECT_EQ(call(groups->change(UserId(7), GroupId(913), change))->title, "new");
  change.what = GroupChange::What::dissolved;
  EXPECT_EQ(call(groups->change(UserId(7), GroupId(913), change)).error().code, Code::forbidden);
  EXPECT_EQ(call(groups->view(UserId(7), GroupId(913)))->title, "t");
  const auto page = call(groups->of(UserId(7), GroupId(11), 2)).value();
  ASSERT_EQ(page.size(), 2u);
  EXPECT_EQ(page[1].title, "11");
  const auto members = call(groups->members(UserId(7), GroupId(913), UserId(3), 2)).value();
  ASSERT_EQ(members.size(), 2u);
  EXPECT_EQ(members[1].user, UserId(3));
  EXPECT_EQ(members[1].role, Role::owner);
  EXPECT_EQ(members[1].since, TimeMs(8));
  groups->typing(UserId(7), GroupId(913));
  EXPECT_TRUE(eventually([&] { return groups_fake.typed == 920; }));
}

TEST_F(Apis, Feed) {
  EXPECT_EQ(call(feed->position("groups")).value(), 6u);
  const auto page = call(feed->read(4, 100, std::chrono::milliseconds(1'000))).value();
  ASSERT_EQ(page.items.size(), 1u);
  EXPECT_EQ(page.items[0].position, 5u);
  EXPECT_EQ(*page.items[0].entry, *change_entry());
  EXPECT_EQ(page.next, 1'104u);
  feed->passed("groups", 77);
  EXPECT_TRUE(eventually([&] { return feed_fake.last == 77; }));
}

TEST_F(Apis, PresenceAndWhatIsWatchedIsSaidAgainToAServiceThatForgot) {
  const auto views = call(presence->of({UserId(7), UserId(8)})).value();
  ASSERT_EQ(views.size(), 2u);
  EXPECT_TRUE(views[0].online);
  EXPECT_FALSE(views[1].online);
  EXPECT_EQ(views[1].last_seen, TimeMs(9));
  presence->watch(GatewayId(1), {UserId(7), UserId(8)}, {});
  presence->watch(GatewayId(1), {UserId(9)}, {UserId(8)});
  const std::set<std::pair<std::uint64_t, std::uint64_t>> both{{1, 7}, {1, 9}};
  ASSERT_TRUE(eventually([&] { return presence_fake.watched() == both; }));
  serving.stop();
  presence_fake.forget();
  serving.start();
  EXPECT_TRUE(eventually([&] { return presence_fake.watched() == both; }));
}

TEST_F(Apis, Notifications) {
  const Push push{UserId(7), kTalk, Seq(3), TimeMs(4)};
  std::promise<Result<void>> done, refused;
  on_loop(asking->loops, 0, [&] {
    notifications->notify({push}, [&](Result<void> r) { done.set_value(std::move(r)); });
    notifications->notify({}, [&](Result<void> r) { refused.set_value(std::move(r)); });
  });
  EXPECT_TRUE(done.get_future().get());
  EXPECT_EQ(refused.get_future().get().error().code, Code::storage_full);
  EXPECT_EQ(notifications_fake.pushes(), std::vector{push});

  serving.stop();
  ASSERT_TRUE(eventually([&] { return asking->link.missing().has_value(); }));
  std::promise<Result<void>> down;
  on_loop(asking->loops, 0, [&] {
    notifications->notify({push}, [&](Result<void> r) { down.set_value(std::move(r)); });
  });
  EXPECT_EQ(down.get_future().get().error().code, Code::unavailable);
}

TEST_F(Apis, WhatAGatewayIsHanded) {
  gateway->deliver({{entry(3), {UserId(7), UserId(8)}, Origin(5)}, {change_entry(), {}, Origin()}});
  gateway->receipts({{kTalk, UserId(7), {Seq(3), Seq(2), 1}, {UserId(8)}}});
  gateway->changed({{UserId(7), FakeMessages::view_of(UserId(8)), Origin(5)}});
  gateway->typing({{kGroup, UserId(7), {UserId(8)}}});
  gateway->presence({{UserId(7), true, TimeMs(9)}});
  gateway->sign_out(UserId(7), DeviceId(3));
  ASSERT_TRUE(eventually([&] { return !gateway_fake.get(gateway_fake.signed_out).empty(); }));
  const auto deliveries = gateway_fake.get(gateway_fake.deliveries);
  ASSERT_EQ(deliveries.size(), 2u);
  EXPECT_EQ(*deliveries[0].entry, *entry(3));
  EXPECT_EQ(deliveries[0].recipients, (std::vector{UserId(7), UserId(8)}));
  EXPECT_EQ(deliveries[0].origin, Origin(5));
  EXPECT_EQ(*deliveries[1].entry, *change_entry());
  const auto receipt = gateway_fake.get(gateway_fake.receipts_).at(0);
  EXPECT_EQ(receipt.conversation, kTalk);
  EXPECT_EQ(receipt.user, UserId(7));
  EXPECT_EQ(receipt.marks, (Marks{Seq(3), Seq(2), 1}));
  EXPECT_EQ(receipt.recipients, std::vector{UserId(8)});
  const auto changed = gateway_fake.get(gateway_fake.changed_).at(0);
  EXPECT_EQ(changed.user, UserId(7));
  EXPECT_EQ(changed.view.head, FakeMessages::view_of(UserId(8)).head);
  EXPECT_EQ(changed.origin, Origin(5));
  const auto typing = gateway_fake.get(gateway_fake.typing_).at(0);
  EXPECT_EQ(typing.conversation, kGroup);
  EXPECT_EQ(typing.user, UserId(7));
  EXPECT_EQ(typing.recipients, std::vector{UserId(8)});
  const auto seen = gateway_fake.get(gateway_fake.presence_).at(0);
  EXPECT_EQ(seen.user, UserId(7));
  EXPECT_TRUE(seen.online);
  EXPECT_EQ(seen.last_seen, TimeMs(9));
  EXPECT_EQ(gateway_fake.get(gateway_fake.signed_out).at(0), std::pair(UserId(7), DeviceId(3)));
}

class NoAuth final : public AuthApi, public TokenSource {
 public:
  Awaitable<Result<TokenPair>> sign_up(SignUp) override { co_return TokenPair{}; }
  Awaitable<Result<TokenPair>> sign_in(SignIn) override { co_return TokenPair{}; }
  Awaitable<Result<TokenPair>> refresh(std::string) override { co_return TokenPair{}; }
  Awaitable<Result<void>> sign_out(UserId, DeviceId) override { co_return Result<void>{}; }
  Awaitable<Result<void>> sign_out_all(UserId) override { co_return Result<void>{}; }
  Result<Principal> check(std::string_view) const override { return Principal{}; }
  bool is_revoked(DeviceId) const override { return false; }
  std::string verifying_key() const override { return {}; }
  Awaitable<Result<Revocations>> revoked(std::uint64_t, std::chrono::milliseconds) override {
    co_return Revocations{};
  }
};

TEST_F(Apis, EveryCallOfTheProtocolIsServedAndNoOther) {
  NoAuth auth;
  FakeMessages messages(serving.loops);
  Router router;
  serve(router, users_fake);
  serve(router, groups_fake);
  serve(router, feed_fake);
  serve(router, presence_fake);
  serve(router, auth, auth, "");
  serve(router, serving.loops, messages);
  std::set<std::string> described, served;
  for (const auto& [path, call] : router.calls()) served.insert(path);
  const auto* pool = google::protobuf::DescriptorPool::generated_pool();
  for (const char* file : {"auth", "user", "message", "group", "presence"}) {
    const auto* proto = pool->FindFileByName(std::string("parley/rpc/v1/") + file + ".proto");
    ASSERT_NE(proto, nullptr) << file;
    for (int s = 0; s < proto->service_count(); ++s)
      for (int m = 0; m < proto->service(s)->method_count(); ++m) {
        const auto* method = proto->service(s)->method(m);
        const auto path = "/" + proto->service(s)->full_name() + "/" + method->name();
        described.insert(path);
        const auto* call = router.find(path);
        if (call)
          EXPECT_EQ(call->make_request()->GetTypeName(), method->input_type()->full_name()) << path;
      }
  }
  EXPECT_EQ(served, described);
}

}  // namespace
}  // namespace parley::rpc::testing
