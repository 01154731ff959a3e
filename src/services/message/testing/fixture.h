#pragma once
#include <future>
#include <gtest/gtest.h>
#include <mutex>
#include <set>

#include "adapters/conversation_store/memory/memory_conversation_store.h"
#include "ports/quick_reads.h"
#include "services/message/message_service.h"

namespace parley::message::testing {
using namespace std::chrono_literals;

inline const UserId kAnn(7), kBob(42), kCat(50), kNobody(99);
inline const ConversationId kTalk = ConversationId::direct(kAnn, kBob);

/// Users up to 64 exist.
class FewUsers final : public UserApi {
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
  Awaitable<Result<bool>> exists(UserId user) override { co_return user.value <= 64; }
};

/// Remembers what it is given. Any thread.
class Recorder final : public DeliveryApi, public NotificationApi, public MessageListener {
 public:
  void deliver(std::vector<Delivery> batch) override { add(entries, std::move(batch)); }
  void receipts(std::vector<ReceiptNotice> batch) override {
    add(receipt_notices, std::move(batch));
  }
  void changed(std::vector<ConversationNotice> batch) override { add(changes, std::move(batch)); }
  void typing(std::vector<TypingNotice>) override {}
  void presence(std::vector<PresenceView>) override {}
  void sign_out(UserId, DeviceId) override {}
  void notify(std::vector<Push> batch, std::move_only_function<void(Result<void>)> done) override {
    if (refuses_pushes) {
      ++refused_pushes;
      return done(fail_for(Code::unavailable, "the notification service is down", 1'000));
    }
    add(pushes, std::move(batch));
    done({});
  }
  void on_sent(std::vector<SendAnswer> batch) override { add(sent, std::move(batch)); }
  void on_marked(std::vector<MarkAnswer> batch) override { add(marked, std::move(batch)); }

  template <class T>
  std::vector<T> copy(const std::vector<T>& of) {
    std::lock_guard lock(mutex);
    return of;
  }

  std::atomic<bool> refuses_pushes{false};
  std::atomic<int> refused_pushes{0};
  std::mutex mutex;
  std::vector<Delivery> entries;
  std::vector<ReceiptNotice> receipt_notices;
  std::vector<ConversationNotice> changes;
  std::vector<Push> pushes;
  std::vector<SendAnswer> sent;
  std::vector<MarkAnswer> marked;

 private:
  template <class T>
  void add(std::vector<T>& to, std::vector<T> batch) {
    std::lock_guard lock(mutex);
    for (auto& item : batch) to.push_back(std::move(item));
  }
};

/// Everybody who is said to be online is on gateway 1. Any thread.
class WhoIsOnline final : public SessionApi {
 public:
  void subscribe(SessionListener&, std::size_t) override {}
  void heartbeat(GatewayId, std::move_only_function<void(bool)> answer) override { answer(true); }
  void gateway_gone(GatewayId) override {}
  void update(GatewayId, std::vector<Presence> changes) override {
    std::lock_guard lock(mutex_);
    for (const auto& change : changes)
      if (change.online)
        online_.insert(change.user);
      else
        online_.erase(change.user);
  }
  void locate(std::vector<UserId> users,
              std::move_only_function<void(std::vector<Location>)> found) override {
    std::vector<Location> out;
    {
      std::lock_guard lock(mutex_);
      for (auto user : users)
        if (online_.contains(user)) out.push_back({user, GatewayId(1)});
    }
    found(std::move(out));
  }

 private:
  std::mutex mutex_;
  std::set<UserId> online_;
};

/// Refuses commits, or has nothing in memory, while told to; counts what it is asked, and may be
/// late with it.
class FullAtTimes final : public ConversationStore {
 public:
  explicit FullAtTimes(ConversationStore& inner) : inner_(inner) {}
  StoreInfo info() const override { return inner_.info(); }
  void commit(Generation g, TimeMs now, std::vector<Append> group, Done done) override {
    if (full)
      done(fail_for(Code::storage_full, "no space left", 1000));
    else
      inner_.commit(g, now, std::move(group), std::move(done));
  }
  Result<Begun> begin(const ConversationId& c, Generation g) override { return inner_.begin(c, g); }
  Result<Head> head(const ConversationId& c) override { return inner_.head(c); }
  Result<std::optional<Sent>> find(const ConversationId& c, UserId u, std::string_view k) override {
    ++finds;
    if (const auto wait = before_find.load()) (*wait)(k);
    return inner_.find(c, u, k);
  }
  Result<std::vector<EntryPtr>> read(const ConversationId& c, Seq f, Seq t, std::size_t l,
                                     bool n) override {
    return inner_.read(c, f, t, l, n);
  }
  Result<Seq> seek(const ConversationId& c, TimeMs t) override { return inner_.seek(c, t); }
  Result<Marks> marks(const ConversationId& c, UserId u) override {
    ++marks_read;
    return inner_.marks(c, u);
  }
  Result<std::vector<Participant>> participants(const ConversationId& g, UserId a,
                                                std::size_t l) override {
    return inner_.participants(g, a, l);
  }
  Result<std::vector<InboxRow>> inbox(UserId u, TimeMs s, std::optional<ConversationId> a,
                                      std::size_t l) override {
    if (!QuickReads::wanted())
      ++slow_reads;
    else if (cold)
      return fail(Code::busy, "this takes a while");
    return inner_.inbox(u, s, a, l);
  }
  std::atomic<bool> full{false};
  std::atomic<bool> cold{false};
  std::atomic<int> slow_reads{0};
  std::atomic<int> finds{0}, marks_read{0};
  std::atomic<const std::function<void(std::string_view key)>*> before_find{nullptr};

 private:
  ConversationStore& inner_;
};

inline bool wait_until(std::function<bool()> condition) {
  const auto deadline = std::chrono::steady_clock::now() + 30s;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

/// Everything holds with one log for all conversations and with a log for each.
struct Shape {
  std::size_t loops = 1;
  bool one_log = true;
};
inline const auto kShapes =
    ::testing::Values(Shape{1, true}, Shape{2, true}, Shape{1, false}, Shape{2, false});
inline std::string name_of(const ::testing::TestParamInfo<Shape>& shape) {
  return std::to_string(shape.param.loops) + (shape.param.one_log ? "_one_log" : "_many_logs");
}

class MessageServiceTest : public ::testing::TestWithParam<Shape> {
 protected:
  MessageServiceTest() { start(); }
  ~MessageServiceTest() override { stop(); }

  void start() {
    loops = std::make_unique<Loops>(GetParam().loops, 1);
    service = std::make_unique<MessageService>(
        MessageService::Needs{*loops,
                              clock,
                              hybrid,
                              full,
                              GetParam().one_log ? &memory : nullptr,
                              GetParam().one_log ? nullptr : &memory,
                              users,
                              sessions,
                              out,
                              [this](GatewayId) { return &out; },
                              metrics,
                              {},
                              [this](ShardId, Generation) { return holds.load(); }},
        Settings{});
    loops->start();
    ASSERT_TRUE(service->start());
    if (!GetParam().one_log) gain_all();
  }
  /// Every shard, as a process does that is alone; a new generation each time.
  void gain_all() {
    memory.take_over(Generation(++generation));
    std::atomic<std::uint32_t> served = 0;
    std::vector<ShardGrant> grants;
    for (std::uint32_t shard = 0; shard < kShards; ++shard)
      grants.push_back({ShardId(shard), Generation(generation), nullptr});
    service->gain(grants, [&served](const ShardGrant&) { ++served; });
    ASSERT_TRUE(wait_until([&] { return served == kShards; }));
  }
  void stop() {
    std::promise<void> drained;
    service->close([&] { drained.set_value(); });
    drained.get_future().get();
    loops->stop();
  }
  void on_loop(std::function<void()> call) {
    std::promise<void> done;
    boost::asio::post(loops->at(0), [&] {
      call();
      done.set_value();
    });
    done.get_future().get();
  }
  void online(UserId user) { sessions.update(GatewayId(1), {{user, true}}); }
  static SendRequest message(std::uint64_t token, UserId sender, std::string key, std::string body,
                             ConversationId to = kTalk, Origin origin = Origin(0)) {
    return {token,          to, sender, DeviceId(sender.value * 10), origin, std::move(key),
            std::move(body)};
  }
  /// A client_message_id of version 7; a greater one for a greater number.
  static std::string key_7(std::uint64_t number) {
    return fmt::format("01990000-0000-7000-8000-{:012x}", number);
  }
  std::vector<SendAnswer> send(std::vector<SendRequest> batch) {
    const auto before = out.copy(out.sent).size(), n = batch.size();
    on_loop([&] { service->send(std::move(batch), out); });
    EXPECT_TRUE(wait_until([&] { return out.copy(out.sent).size() == before + n; }));
    auto all = out.copy(out.sent);
    return {all.begin() + static_cast<std::ptrdiff_t>(before), all.end()};
  }
  Result<void> mark(UserId user, Seq delivered, Seq read, ConversationId in = kTalk) {
    const auto before = out.copy(out.marked).size();
    on_loop([&] { service->mark({{1, in, user, delivered, read, Origin(5)}}, out); });
    EXPECT_TRUE(wait_until([&] { return out.copy(out.marked).size() == before + 1; }));
    return out.copy(out.marked).back().done;
  }
  template <class T>
  T run(Awaitable<T> work) {
    return boost::asio::co_spawn(loops->at(0), std::move(work), boost::asio::use_future).get();
  }

  ManualClock clock;
  HybridClock hybrid{clock};
  std::uint64_t generation = 1;
  std::atomic<bool> holds = true;
  MemoryConversationStore memory{Generation(1), GetParam().one_log};
  FullAtTimes full{memory};
  FewUsers users;
  Recorder out;
  Metrics metrics;
  std::unique_ptr<Loops> loops;
  WhoIsOnline sessions;
  std::unique_ptr<MessageService> service;
};

}  // namespace parley::message::testing
