#include "rpc/message_router.h"

#include <boost/asio.hpp>
#include <future>
#include <gtest/gtest.h>

#include "rpc/testing/fake_messages.h"

namespace parley::rpc {
namespace {

/// Answers sends with its own number, and is sometimes not there.
class Numbered final : public testing::FakeMessages {
 public:
  Numbered(Loops& loops, std::uint64_t number) : FakeMessages(loops), number_(number) {}
  void send(std::vector<SendRequest> batch, MessageListener& listener) override {
    std::vector<SendAnswer> answers;
    for (const auto& request : batch)
      answers.push_back({request.token, Head{Seq(number_), {}, {}, 0}});
    listener.on_sent(std::move(answers));
  }
  Awaitable<Result<Head>> head(ConversationId) override { co_return Head{Seq(number_), {}, {}, 0}; }
  Awaitable<Result<std::vector<UserId>>> visible(UserId, std::vector<UserId>) override {
    if (gone) co_return fail(Code::unavailable, "not there");
    co_return std::vector{UserId(number_)};
  }
  bool gone = false;

 private:
  const std::uint64_t number_;
};

/// Keeps what it is asked, until the test answers. On the loop.
class Slow final : public testing::FakeMessages {
 public:
  using FakeMessages::FakeMessages;
  void send(std::vector<SendRequest> batch, MessageListener& listener) override {
    for (auto& request : batch) {
      asked.push_back(std::move(request));
      answer_to = &listener;
    }
  }
  void mark(std::vector<MarkRequest> batch, MessageListener& listener) override {
    for (auto& request : batch) {
      marks.push_back(request);
      answer_to = &listener;
    }
  }
  /// Answers the oldest send.
  void answer(Result<Head> with) {
    const auto token = asked.front().token;
    asked.erase(asked.begin());
    answer_to->on_sent({{token, std::move(with)}});
  }
  std::vector<SendRequest> asked;
  std::vector<MarkRequest> marks;
  MessageListener* answer_to = nullptr;
};

std::unexpected<Error> moved() { return fail_for(Code::stale_generation, "moved", 100); }

class RouterTest : public ::testing::Test, public MessageListener {
 protected:
  RouterTest() { loops_.start(); }
  ~RouterTest() override { loops_.stop(); }
  void on_sent(std::vector<SendAnswer> answers) override {
    for (auto& answer : answers) sent_.push_back(std::move(answer));
    if (sent_.size() == wanted_) all_.set_value();
  }
  void on_marked(std::vector<MarkAnswer>) override {}

  /// A conversation of each parity of shard.
  static ConversationId talk(bool odd) {
    for (std::uint64_t peer = 100;; ++peer)
      if (const auto id = ConversationId::direct(UserId(7), UserId(peer));
          shard_of(id).value % 2 == (odd ? 1 : 0))
        return id;
  }
  void set_owners(std::string even, std::string odd) {
    std::vector<std::string> names;
    for (std::uint32_t shard = 0; shard < kShards; ++shard) names.push_back(shard % 2 ? odd : even);
    router_.set_owners(std::move(names));
  }
  std::vector<SendAnswer> send(std::vector<ConversationId> to) {
    wanted_ = to.size();
    sent_.clear();
    all_ = {};
    boost::asio::post(loops_.at(0), [this, to] {
      std::vector<SendRequest> batch;
      for (const auto& id : to) {
        batch.emplace_back();
        batch.back().token = batch.size();
        batch.back().conversation = id;
      }
      router_.send(std::move(batch), *this);
    });
    all_.get_future().get();
    std::ranges::sort(sent_, {}, &SendAnswer::token);
    return sent_;
  }
  template <class T>
  T get(Awaitable<T> work) {
    return boost::asio::co_spawn(loops_.at(0), std::move(work), boost::asio::use_future).get();
  }

  Loops loops_{1, 1};
  Numbered one_{loops_, 1}, two_{loops_, 2};
  MessageRouter router_{loops_, {{"one", &one_}, {"two", &two_}}, std::chrono::milliseconds(50)};
  std::vector<SendAnswer> sent_;
  std::size_t wanted_ = 0;
  std::promise<void> all_;
};

TEST_F(RouterTest, AConversationIsItsOwners) {
  set_owners("one", "two");
  const auto answers = send({talk(false), talk(true), talk(false)});
  EXPECT_EQ(answers[0].sent->seq, Seq(1));
  EXPECT_EQ(answers[1].sent->seq, Seq(2));
  EXPECT_EQ(answers[2].sent->seq, Seq(1));
  EXPECT_EQ(get(router_.head(talk(true)))->seq, Seq(2));
  set_owners("two", "one");
  EXPECT_EQ(send({talk(false)})[0].sent->seq, Seq(2));
  EXPECT_EQ(get(router_.head(talk(true)))->seq, Seq(1));
}

TEST_F(RouterTest, WhatNobodyOwnsIsUnavailableAndTheRestGoesOn) {
  for (const auto nobody : {"", "three"}) {
    set_owners("one", nobody);
    const auto answers = send({talk(true), talk(false)});
    ASSERT_FALSE(answers[0].sent);
    EXPECT_EQ(answers[0].sent.error().code, Code::unavailable);
    EXPECT_GT(answers[0].sent.error().retry_after_ms, 0u);
    EXPECT_EQ(answers[1].sent->seq, Seq(1));
    EXPECT_EQ(get(router_.head(talk(true))).error().code, Code::unavailable);
  }
}

TEST_F(RouterTest, WhatConcernsAUserIsAskedOfOneThatIsThere) {
  for (std::uint64_t user = 1; user <= 20; ++user) {
    const auto first = get(router_.visible(UserId(user), {}));
    ASSERT_TRUE(first);
    EXPECT_EQ(get(router_.visible(UserId(user), {})).value(), *first) << "the same again";
    auto& asked = first->front() == UserId(1) ? one_ : two_;
    asked.gone = true;
    const auto other = get(router_.visible(UserId(user), {}));
    ASSERT_TRUE(other);
    EXPECT_NE(other->front(), first->front());
    asked.gone = false;
  }
  one_.gone = two_.gone = true;
  EXPECT_EQ(get(router_.visible(UserId(1), {})).error().code, Code::unavailable);
}

/// Its first owner answers by hand, its next one at once.
class HandOver : public RouterTest {
 protected:
  ~HandOver() override { loops_.stop(); }
  void on_sent(std::vector<SendAnswer> answers) override {
    for (auto& answer : answers) final_.push_back(std::move(answer));
  }
  void on_marked(std::vector<MarkAnswer> answers) override {
    for (auto& answer : answers) marked_.push_back(answer.token);
  }
  template <class F>
  auto on_loop(F call) {
    return boost::asio::post(loops_.at(0), boost::asio::use_future(std::move(call))).get();
  }
  void ask(std::vector<std::uint64_t> tokens, ConversationId to) {
    on_loop([&] {
      std::vector<SendRequest> batch;
      for (const auto token : tokens) {
        batch.emplace_back();
        batch.back().token = token;
        batch.back().conversation = to;
        batch.back().body = "text " + std::to_string(token);
      }
      patient_.send(std::move(batch), *this);
    });
  }
  void owned_by(const std::string& name) { patient_.set_owners(std::vector(kShards, name)); }
  /// The tokens of what was answered, by then with a head of that number.
  std::vector<std::uint64_t> answered(std::size_t count, std::uint64_t by) {
    EXPECT_TRUE(reaches(count));
    return on_loop([&] {
      std::vector<std::uint64_t> tokens;
      for (auto& answer : std::exchange(final_, {})) {
        tokens.push_back(answer.token);
        EXPECT_TRUE(answer.sent && answer.sent->seq == Seq(by)) << answer.token;
      }
      return tokens;
    });
  }
  bool reaches(std::size_t count) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < end) {
      if (on_loop([&] { return final_.size() >= count; })) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }
  bool slow_is_asked() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (std::chrono::steady_clock::now() < end) {
      if (on_loop([&] { return slow_.asked.size() == 1; })) return true;
      std::this_thread::yield();
    }
    return false;
  }
  using Tokens = std::vector<std::uint64_t>;

  Slow slow_{loops_};
  std::vector<SendAnswer> final_;
  std::vector<std::uint64_t> marked_;
  MessageRouter patient_{loops_, {{"slow", &slow_}, {"two", &two_}}, std::chrono::hours(1)};
};

TEST_F(HandOver, WhoSendsSeesAPauseAndNoErrorAndTheOrderStays) {
  owned_by("slow");
  ask({1, 2, 3}, talk(false));
  on_loop([&] { slow_.answer(moved()); });
  ask({4}, talk(false));  // waits behind the first
  owned_by("two");
  // Two and three are not known to be refused: nothing goes to the next owner before.
  on_loop([&] { EXPECT_TRUE(final_.empty()); });
  on_loop([&] { slow_.answer(moved()); });
  on_loop([&] { EXPECT_TRUE(final_.empty()); });
  on_loop([&] { slow_.answer(moved()); });
  EXPECT_EQ(answered(4, 2), (Tokens{1, 2, 3, 4}));
  EXPECT_TRUE(slow_.asked.empty());
  ask({5}, talk(false));
  EXPECT_EQ(answered(1, 2), (Tokens{5}));
}

TEST_F(HandOver, WhatNobodyOwnsYetWaits) {
  ask({1}, talk(true));
  ask({2}, talk(true));
  on_loop([&] { EXPECT_TRUE(final_.empty()); });
  owned_by("two");
  EXPECT_EQ(answered(2, 2), (Tokens{1, 2}));
}

TEST_F(HandOver, WhoCannotBeReachedIsNotAskedUntilItCan) {
  owned_by("two");
  patient_.set_reachable("two", false);
  ask({1}, talk(true));
  owned_by("two");  // still
  ask({2}, talk(true));
  on_loop([&] { EXPECT_TRUE(final_.empty()); });
  patient_.set_reachable("two", true);
  EXPECT_EQ(answered(2, 2), (Tokens{1, 2}));
}

TEST_F(HandOver, TheSameOwnerIsAskedAgainUntilItServes) {
  owned_by("slow");
  ask({1}, talk(true));
  for (int i = 0; i < 3; ++i) {
    on_loop([&] { slow_.answer(moved()); });
    ASSERT_TRUE(slow_is_asked());
  }
  on_loop([&] {
    EXPECT_EQ(slow_.asked.front().body, "text 1");
    slow_.answer(Head{Seq(9), {}, {}, 0});
  });
  EXPECT_EQ(answered(1, 9), (Tokens{1}));
}

TEST_F(HandOver, WhatIsLostOnTheWayIsAskedOfTheNextOwner) {
  for (const bool vanished : {true, false}) {  // or it only handed over
    owned_by("slow");
    ask({1, 2}, talk(false));
    ask({3}, talk(false));
    if (vanished)
      patient_.set_reachable("slow", false);
    else
      owned_by("two");
    for (int i = 0; i < 3; ++i)
      on_loop([&] { slow_.answer(fail_for(Code::unavailable, "the way broke", 100)); });
    on_loop([&] { EXPECT_TRUE(final_.empty() || !vanished); });
    owned_by("two");
    EXPECT_EQ(answered(3, 2), (Tokens{1, 2, 3}));
    patient_.set_reachable("slow", true);
  }
}

TEST_F(HandOver, WhatIsBehindAFailureFailsWithIt) {
  owned_by("slow");
  ask({1, 2}, talk(false));
  on_loop([&] { slow_.answer(moved()); });
  ask({3}, talk(false));
  on_loop([&] { slow_.answer(fail_for(Code::unavailable, "the way broke", 100)); });
  ASSERT_TRUE(reaches(2));
  on_loop([&] {
    for (const auto& answer : final_) {
      EXPECT_NE(answer.token, 1u);
      EXPECT_EQ(answer.sent.error().message, "the way broke") << answer.token;
    }
    final_.clear();
  });
  ASSERT_TRUE(slow_is_asked());
  owned_by("two");
  on_loop([&] { slow_.answer(moved()); });
  EXPECT_EQ(answered(1, 2), (Tokens{1}));
}

TEST_F(HandOver, TooMuchIsRefusedBeforeItFillsTheMemory) {
  std::size_t refused = 0;
  for (std::uint64_t token = 1; refused == 0 && token < 10'000; ++token)
    on_loop([&] {
      std::vector<SendRequest> batch(1);
      batch[0].token = token;
      batch[0].conversation = talk(true);
      batch[0].body.resize(64 << 10);
      patient_.send(std::move(batch), *this);
      refused = final_.size();
    });
  ASSERT_TRUE(reaches(1));
  on_loop([&] {
    EXPECT_EQ(final_.front().sent.error().code, Code::busy);
    final_.clear();
  });
  owned_by("two");
  ask({20'000}, talk(true));
  ASSERT_TRUE(reaches(1'000));
}

TEST_F(HandOver, AMarkThatNobodyWaitsForIsNotForgottenEither) {
  owned_by("slow");
  on_loop([&] {
    MarkRequest silent, asked;
    silent.conversation = asked.conversation = talk(true);
    silent.delivered = Seq(3);
    asked.token = 8;
    asked.read = Seq(2);
    patient_.mark({silent, asked}, *this);
    for (const auto& mark : std::exchange(slow_.marks, {}))
      slow_.answer_to->on_marked({{mark.token, moved()}});
  });
  owned_by("slow");
  on_loop([&] {
    ASSERT_EQ(slow_.marks.size(), 2u);
    EXPECT_EQ(slow_.marks.front().delivered, Seq(3));
    for (const auto& mark : std::exchange(slow_.marks, {}))
      slow_.answer_to->on_marked({{mark.token, {}}});
  });
  on_loop([&] { EXPECT_EQ(marked_, (Tokens{8})); });
}

}  // namespace
}  // namespace parley::rpc
