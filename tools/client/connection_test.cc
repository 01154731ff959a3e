#include "client/connection.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "client/fake_server.h"
#include "client/temp_folder.h"

namespace parley::client {
namespace {
using testing::ElementsAre;

AccountState signed_in() {
  AccountState state;
  state.set_name("ana");
  auto& tokens = *state.mutable_tokens();
  tokens.set_user_id(1);
  tokens.set_access_token("access-0");
  tokens.set_access_expires_ms(wall_ms() + 900'000);
  tokens.set_refresh_token("refresh-0");
  return state;
}

/// By WebSocket, and (true) by a stream of events and POST.
class ConnectionTest : public testing::TestWithParam<bool>, protected SessionListener {
 protected:
  void on_entry(const v1::Entry& entry) override { texts_.push_back(entry.body().text()); }
  void on_skipped(const std::string&, Range) override { ADD_FAILURE() << "entries were skipped"; }
  void on_sent(const OutboxItem&, const v1::Sent&) override {}
  void on_send_failed(const OutboxItem& item, const Failure& failure) override {
    refused_.push_back(item.text() + " " + failure.code);
  }
  void on_receipt(const v1::Receipt&) override {}
  void on_typing(const v1::TypingNotice&) override {}
  void on_presence(const v1::PresenceNotice&) override {}
  void on_backlog_end(const v1::BacklogEnd&) override { ++backlogs_; }
  void on_trouble(const Failure& failure) override { ADD_FAILURE() << describe(failure); }

  ~ConnectionTest() override {
    if (!ended_ && running_) {
      connection_.stop();
      until([&] { return ended_; });
    }
  }
  void start() {
    running_ = true;
    boost::asio::co_spawn(io_, connection_.run(),
                          [&](std::exception_ptr thrown, Outcome<void> end) {
                            if (thrown) std::rethrow_exception(thrown);
                            ended_ = true;
                            end_ = std::move(end);
                          });
  }
  void until(const std::function<bool()>& done) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!done() && std::chrono::steady_clock::now() < deadline)
      io_.run_one_for(std::chrono::milliseconds(50));
    ASSERT_TRUE(done()) << "not within 30 s";
  }
  void say(const std::string& text) {
    ASSERT_TRUE(session_.send(FakeServer::kConversation, text, std::chrono::steady_clock::now()));
    connection_.wake();
  }
  bool acknowledged() const { return outbox_.items().empty(); }

  boost::asio::io_context io_{1};
  FakeServer server_{io_};
  TempFolder folder_;
  Account account_ = *Account::create(folder_.path(), "ana", signed_in());
  Endpoint endpoint() const {
    auto at = server_.endpoint();
    at.plain_http = GetParam();
    return at;
  }
  Api api_{endpoint(), account_};
  Outbox outbox_{account_};
  Session session_{1, "", outbox_, *this};
  std::vector<LinkState> links_;
  Connection connection_{io_.get_executor(), api_, session_,
                         [this](const LinkState& link) { links_.push_back(link); }};
  std::vector<std::string> texts_, refused_;
  int backlogs_ = 0;
  bool running_ = false, ended_ = false;
  Outcome<void> end_;
};

TEST_P(ConnectionTest, SendsAndReceives) {
  start();
  until([&] { return backlogs_ == 1; });
  say("hello");
  until([&] { return acknowledged(); });
  server_.post("hello yourself");
  until([&] { return texts_.size() == 2; });
  EXPECT_THAT(texts_, ElementsAre("hello", "hello yourself"));
  until([&] { return !server_.acks.empty(); });
  EXPECT_EQ(server_.acks.back().seq(), 2u);
}

TEST_P(ConnectionTest, AStoredSendWhoseAnswerIsLostIsNotDoubled) {
  server_.break_after_store = 2;
  start();
  say("once");
  say("then this");
  until([&] { return acknowledged(); });
  until([&] { return texts_.size() == 2; });
  EXPECT_THAT(texts_, ElementsAre("once", "then this"));
  EXPECT_EQ(server_.log.size(), 2u);
  EXPECT_GE(server_.sends.size(), 3u);
}

TEST_P(ConnectionTest, WhatIsTypedWhileTheServerIsAwayArrivesInOrder) {
  start();
  until([&] { return session_.online(); });
  server_.go_down();
  server_.break_all();
  until([&] { return !links_.empty() && !links_.back().online; });
  for (const auto* text : {"a", "b", "c"}) say(text);
  server_.post("meanwhile", false);
  server_.come_up();
  until([&] { return acknowledged() && texts_.size() == 4; });
  EXPECT_THAT(texts_, ElementsAre("meanwhile", "a", "b", "c"));
}

TEST_P(ConnectionTest, FetchesALiveEntryThatDidNotCome) {
  start();
  until([&] { return backlogs_ == 1 && server_.connected() == 1; });
  server_.post("one");
  server_.post("two", false);
  server_.post("three");
  until([&] { return texts_.size() == 3; });
  EXPECT_THAT(texts_, ElementsAre("one", "two", "three"));
  EXPECT_EQ(server_.histories.size(), 1u);
}

TEST_P(ConnectionTest, ABacklogWithAGapIsShownWhole) {
  for (int i = 1; i <= 500; ++i) server_.post(std::to_string(i));
  start();
  until([&] { return texts_.size() == 500; });
  for (int i = 1; i <= 500; ++i)
    ASSERT_EQ(texts_[static_cast<std::size_t>(i - 1)], std::to_string(i));
}

TEST_P(ConnectionTest, RetriesWhatMayBeRetriedAndReportsWhatMayNot) {
  server_.fail_sends = 2;
  server_.refuse_text = "bad";
  start();
  say("good");
  say("bad");
  until([&] { return acknowledged(); });
  EXPECT_THAT(texts_, ElementsAre("good"));
  EXPECT_THAT(refused_, ElementsAre("bad too_large"));
}

TEST_P(ConnectionTest, ComesBackFromCodesBelow4500AndNotFromThoseAbove) {
  start();
  until([&] { return backlogs_ == 1 && server_.connected() == 1; });
  server_.close_all(4008, "slow");
  until([&] { return backlogs_ == 2 && server_.connected() == 1; });
  EXPECT_EQ(server_.hellos.back().cursor(), "0");
  EXPECT_EQ(server_.hellos.back().resume_ticket(), "access-0");
  server_.close_all(4502, "");
  until([&] { return ended_; });
  ASSERT_FALSE(end_);
  EXPECT_EQ(end_.error().code, "signed_out");
}

TEST_P(ConnectionTest, AnExpiredTokenIsRefreshedOnce) {
  server_.good_tokens.clear();
  start();
  until([&] { return backlogs_ == 1; });
  EXPECT_EQ(server_.refreshes, 1);
  EXPECT_EQ(server_.hellos.back().token(), "access-1");
  EXPECT_EQ(account_.state().tokens().refresh_token(), "refresh-1");
}

TEST_P(ConnectionTest, ARefusedRefreshTokenEndsIt) {
  server_.good_tokens.clear();
  server_.refreshes = 7;  // the one we have is used up
  start();
  until([&] { return ended_; });
  ASSERT_FALSE(end_);
  EXPECT_EQ(end_.error().code, "unauthenticated");
  EXPECT_NE(end_.error().message.find("parley sign-in ana"), std::string::npos);
}

TEST_P(ConnectionTest, TheTokenIsRefreshedInPlaceBeforeItExpires) {
  ASSERT_TRUE(account_.update([](AccountState& state) {
    state.mutable_tokens()->set_access_expires_ms(wall_ms() + 45'000);  // within the minute before
  }));
  start();
  until([&] { return !server_.renewed.empty(); });
  EXPECT_THAT(server_.renewed, ElementsAre("access-1"));
  EXPECT_EQ(server_.hellos.size(), 1u) << "on the running connection";
}

TEST_P(ConnectionTest, StopsWhileTheServerIsAway) {
  server_.go_down();
  start();
  until([&] { return !links_.empty(); });
  connection_.stop();
  until([&] { return ended_; });
  EXPECT_TRUE(end_);
}

TEST_P(ConnectionTest, ComesBackFromARefusalForNow) {
  server_.refusals = {
      {503, R"({"error":{"code":"busy","message":"full","retryable":true,"retry_after_ms":5}})"},
      {429, ""},
      {408, "<html>"}};
  start();
  until([&] { return backlogs_ == 1; });
  EXPECT_TRUE(server_.refusals.empty());
}

TEST_P(ConnectionTest, RestRefreshesByItself) {
  server_.good_tokens.clear();
  std::optional<Outcome<v1::Profile>> me;
  boost::asio::co_spawn(io_, api_.call<v1::Profile>("GET", "/v1/me"),
                        [&](std::exception_ptr, Outcome<v1::Profile> got) { me = std::move(got); });
  until([&] { return me.has_value(); });
  ASSERT_TRUE(*me);
  EXPECT_EQ((*me)->name(), "ana");
  EXPECT_EQ(server_.refreshes, 1);
}

/// What only a stream of events and POST has.
class EventsTest : public ConnectionTest {
 protected:
  void refuse_frames(const std::string& code) {
    server_.refuse_frames = code;
    start();
    until([&] { return backlogs_ == 1; });
    say("hello");
    until([&] { return server_.refused_frames > 0; });
  }
  void stop_soon() {
    const auto begin = std::chrono::steady_clock::now();
    connection_.stop();
    until([&] { return ended_; });
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(8));
  }
};

TEST_P(EventsTest, WhatABusyServerRefusesIsSentAgainByTheSameStream) {
  refuse_frames("busy");
  until([&] { return server_.refused_frames > 2; });
  server_.refuse_frames.clear();
  until([&] { return acknowledged(); });
  EXPECT_EQ(server_.hellos.size(), 1u);
}

TEST_P(EventsTest, FramesThatReachAnotherGatewayMakeNoStormOfStreams) {
  refuse_frames("not_found");
  until([&] { return std::ranges::count(links_, false, &LinkState::online) == 3; });
  EXPECT_GE(links_.back().retry, std::chrono::milliseconds(500)) << "each time twice as long";
  server_.refuse_frames.clear();
  until([&] { return acknowledged(); });
}

TEST_P(EventsTest, StopsWhileTheServerIsBusy) {
  refuse_frames("busy");
  stop_soon();
}

TEST_P(EventsTest, StopsWhileAPostHasNoAnswer) {
  refuse_frames("nothing");
  stop_soon();
}

TEST_P(EventsTest, StopsWhileAProxyHoldsTheEventsBack) {
  server_.hold_events = true;
  start();
  until([&] { return server_.hellos.size() == 1; });
  for (int i = 0; i < 4; ++i) io_.run_one_for(std::chrono::milliseconds(50));
  stop_soon();
}

INSTANTIATE_TEST_SUITE_P(By, EventsTest, testing::Values(true), [](const auto&) { return "Http"; });

INSTANTIATE_TEST_SUITE_P(By, ConnectionTest, testing::Bool(), [](const auto& plain_http) {
  return plain_http.param ? "Http" : "WebSocket";
});

}  // namespace
}  // namespace parley::client
