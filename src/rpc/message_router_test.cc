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
  MessageRouter router_{loops_, {{"one", &one_}, {"two", &two_}}};
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

}  // namespace
}  // namespace parley::rpc
