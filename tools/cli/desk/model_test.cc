#include "cli/desk/model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/desk/keys.h"
#include "cli/desk/words.h"

namespace parley::cli::desk {
namespace {
using testing::ElementsAre;

constexpr std::uint64_t kAna = 7, kBob = 42, kCat = 43;
const Time kNow = Time() + std::chrono::hours(1);

v1::Conversation state_of(std::string id, std::uint64_t head, std::uint64_t read,
                          std::uint64_t unread, std::int64_t changed_ms) {
  v1::Conversation state;
  state.set_conversation_id(id);
  state.set_head(head);
  state.set_read(read);
  state.set_unread(unread);
  state.set_changed_ms(changed_ms);
  return state;
}

v1::Entry said(std::string id, std::uint64_t seq, std::uint64_t sender, std::string text) {
  v1::Entry entry;
  entry.set_conversation_id(id);
  entry.set_seq(seq);
  entry.set_sender(sender);
  entry.set_time_ms(1'000'000 + static_cast<std::int64_t>(seq));
  entry.mutable_body()->set_text(text);
  return entry;
}

Message shown(const v1::Entry& entry) {
  return {.seq = entry.seq(),
          .sender = entry.sender(),
          .time_ms = entry.time_ms(),
          .who = entry.sender() == kAna ? "you" : "bob",
          .text = entry.body().text()};
}

v1::Receipt receipt(std::string id, std::uint64_t user, std::uint64_t delivered,
                    std::uint64_t read) {
  v1::Receipt one;
  one.set_conversation_id(id);
  one.set_user_id(user);
  one.set_delivered(delivered);
  one.set_read(read);
  return one;
}

struct ModelTest : testing::Test {
  ModelTest() {
    model.put(state_of("d:7:42", 3, 1, 2, 100), "bob", kBob);
    model.put(state_of("g:9", 5, 5, 0, 200), "#sailing", 0);
  }
  bool say(std::string id, std::uint64_t seq, std::uint64_t sender, std::string text = "x") {
    const auto entry = said(id, seq, sender, text);
    return model.add(entry, shown(entry));
  }
  void page(std::string id, std::vector<std::uint64_t> seqs, Model::Page where, bool before,
            bool after) {
    v1::History history;
    history.set_more_before(before);
    history.set_more_after(after);
    std::vector<Message> messages;
    for (const auto seq : seqs) messages.push_back(shown(said(id, seq, kBob, "old")));
    model.add_page(id, history, std::move(messages), where);
  }
  std::vector<std::uint64_t> held(const std::string& id) {
    std::vector<std::uint64_t> seqs;
    for (const auto& [seq, message] : model.find(id)->messages) seqs.push_back(seq);
    return seqs;
  }
  std::vector<std::string> titles() {
    std::vector<std::string> all;
    for (const auto* talk : model.listed()) all.push_back(talk->title);
    return all;
  }
  Model model{kAna, "ana"};
};

TEST_F(ModelTest, ListsTheLatestFirstAndCountsWhatIsUnread) {
  EXPECT_THAT(titles(), ElementsAre("#sailing", "bob"));
  EXPECT_EQ(model.unread(), 2u);
  EXPECT_TRUE(say("d:7:42", 4, kBob, "hello"));
  EXPECT_THAT(titles(), ElementsAre("bob", "#sailing"));
  EXPECT_EQ(model.unread(), 3u);
  EXPECT_EQ(model.find("d:7:42")->last_line, "hello");
  EXPECT_TRUE(say("d:7:42", 2, kBob)) << "one that the list counted already";
  EXPECT_EQ(model.unread(), 3u);
  EXPECT_EQ(model.find("d:7:42")->last_line, "hello");
  EXPECT_FALSE(say("d:7:99", 1, kBob)) << "a conversation that nobody put";
}

TEST_F(ModelTest, AnswersBySendingReadWhatWasThere) {
  EXPECT_TRUE(say("d:7:42", 4, kAna, "yes"));
  EXPECT_EQ(model.unread(), 0u);
  EXPECT_EQ(model.find("d:7:42")->last_line, "you: yes");
}

TEST_F(ModelTest, WhatIsOnScreenAtTheEndIsRead) {
  model.open("d:7:42");
  EXPECT_EQ(model.seen(), std::nullopt) << "not loaded";
  page("d:7:42", {1, 2, 3}, Model::Page::instead, false, false);
  EXPECT_EQ(model.seen(), 3u);
  EXPECT_EQ(model.seen(), std::nullopt) << "told once";
  EXPECT_EQ(model.unread(), 0u);
  model.opened()->anchor = Anchor{1, 0};
  say("d:7:42", 4, kBob);
  EXPECT_EQ(model.seen(), std::nullopt) << "it is below the screen";
  EXPECT_EQ(model.unread(), 1u);
}

TEST_F(ModelTest, TicksFollowTheMarksOfOthers) {
  const auto& talk = *model.find("d:7:42");
  EXPECT_EQ(model.ticks(talk, 3), "✓");
  EXPECT_TRUE(model.advance(receipt("d:7:42", kBob, 3, 0)));
  EXPECT_EQ(model.ticks(talk, 3), "✓✓");
  EXPECT_TRUE(model.advance(receipt("d:7:42", kBob, 0, 3)));
  EXPECT_TRUE(model.advance(receipt("d:7:42", kBob, 1, 1))) << "marks only grow";
  EXPECT_EQ(model.ticks(talk, 3), "✓✓ read");
  const auto& group = *model.find("g:9");
  model.advance(receipt("g:9", kBob, 5, 5));
  model.advance(receipt("g:9", kCat, 5, 5));
  EXPECT_EQ(model.ticks(group, 5), "✓✓ read by 2");
}

TEST_F(ModelTest, AnotherDeviceReadsToo) {
  EXPECT_FALSE(model.advance(receipt("d:7:42", kAna, 2, 2))) << "how many are left is to be asked";
  EXPECT_TRUE(model.advance(receipt("d:7:42", kAna, 3, 3)));
  EXPECT_EQ(model.unread(), 0u);
}

TEST_F(ModelTest, PagesJoinAtBothEnds) {
  model.open("d:7:42");
  page("d:7:42", {20, 21}, Model::Page::instead, true, true);
  page("d:7:42", {18, 19}, Model::Page::older, false, true);
  EXPECT_THAT(held("d:7:42"), ElementsAre(18, 19, 20, 21));
  EXPECT_FALSE(model.opened()->more_before);
  EXPECT_TRUE(model.opened()->more_after);
  say("d:7:42", 30, kBob);
  EXPECT_THAT(held("d:7:42"), ElementsAre(18, 19, 20, 21)) << "would leave a hole";
  page("d:7:42", {22, 23}, Model::Page::newer, true, false);
  EXPECT_TRUE(model.opened()->more_after) << "30 came live meanwhile";
  page("d:7:42", {24, 30}, Model::Page::newer, true, false);
  EXPECT_FALSE(model.opened()->more_after);
}

TEST_F(ModelTest, WhatComesWhileThePageIsOnItsWayStaysBehindIt) {
  model.open("d:7:42");
  page("d:7:42", {1, 2, 3}, Model::Page::instead, false, false);
  say("d:7:42", 4, kBob);
  page("d:7:42", {2, 3}, Model::Page::instead, true, false);
  EXPECT_THAT(held("d:7:42"), ElementsAre(1, 2, 3, 4));
  EXPECT_FALSE(model.opened()->more_after);
}

TEST_F(ModelTest, SearchesTheListWhateverTheCase) {
  model.enter_list(true);
  model.set_filter("SAIL");
  EXPECT_THAT(titles(), ElementsAre("#sailing"));
  EXPECT_EQ(model.highlighted(), "g:9");
  model.set_filter("nobody");
  EXPECT_EQ(model.highlighted(), "");
  model.leave_list();
  EXPECT_EQ(titles().size(), 2u);
}

TEST_F(ModelTest, TypingIsForgottenAfterAWhileAndWhenTheMessageComes) {
  v1::TypingNotice notice;
  notice.set_conversation_id("d:7:42");
  notice.set_user_id(kBob);
  model.open("d:7:42");
  model.set_typing(notice, "bob", kNow);
  EXPECT_EQ(model.about(*model.opened(), kNow), "bob is typing…");
  EXPECT_EQ(model.next_change(kNow), kNow + kTypingShown);
  EXPECT_EQ(model.about(*model.opened(), kNow + kTypingShown), "");
  model.set_typing(notice, "bob", kNow);
  say("d:7:42", 4, kBob);
  EXPECT_EQ(model.about(*model.opened(), kNow), "");
}

TEST_F(ModelTest, ARefusedMessageStaysUntilOneLooksElsewhere) {
  model.open("d:7:42");
  model.add_pending("d:7:42", {.key = "k", .text = "hi", .time_ms = 1, .refusal = {}});
  model.refuse("d:7:42", "k", "blocked");
  EXPECT_EQ(model.opened()->pending.at(0).refusal, "blocked");
  model.open("g:9");
  EXPECT_TRUE(model.find("d:7:42")->pending.empty());
}

TEST_F(ModelTest, WhoIsRemovedIsNoLongerInTheGroup) {
  v1::Entry entry;
  entry.set_conversation_id("g:9");
  entry.set_seq(6);
  entry.set_sender(kBob);
  entry.mutable_group_change()->mutable_removed()->add_user_ids(kAna);
  model.add(entry,
            {.seq = 6, .sender = kBob, .who = "bob", .text = "removed you", .is_change = true});
  EXPECT_TRUE(model.find("g:9")->left);
  EXPECT_EQ(model.unread(), 2u) << "a change of the group is not counted";
  EXPECT_EQ(model.find("g:9")->last_line, "bob removed you");
}

std::vector<Key::Name> names(const std::vector<Key>& keys) {
  std::vector<Key::Name> all;
  for (const auto& key : keys) all.push_back(key.name);
  return all;
}

TEST(Keys, ComeInPieces) {
  Keys keys;
  EXPECT_THAT(names(keys.feed("ab\033")), ElementsAre(Key::bytes));
  EXPECT_TRUE(keys.waits_for_more());
  EXPECT_TRUE(keys.feed("[").empty());
  EXPECT_THAT(names(keys.feed("A\033[6~\033OP\r")),
              ElementsAre(Key::up, Key::page_down, Key::help, Key::enter));
  EXPECT_THAT(keys.feed("\033[D"), ElementsAre(Key{Key::bytes, "\033[D"})) << "the editor's";
}

TEST(Keys, ALoneEscapeIsOneAfterAWhile) {
  Keys keys;
  EXPECT_TRUE(keys.feed("\033").empty());
  EXPECT_THAT(names(keys.give_up_waiting()), ElementsAre(Key::escape));
  EXPECT_TRUE(keys.give_up_waiting().empty());
}

TEST(Keys, WhatIsPastedIsText) {
  Keys keys;
  const auto got = keys.feed("\033[200~one\rtwo\t\x03\033[201~\r");
  EXPECT_THAT(names(got), ElementsAre(Key::bytes, Key::enter));
}

TEST(Words, TakesQuotedOnesAsOne) {
  EXPECT_THAT(*words_of("group \"Sea trip\"  bob"), ElementsAre("group", "Sea trip", "bob"));
  EXPECT_EQ(words_of("group \"Sea"), std::nullopt);
  EXPECT_TRUE(words_of("")->empty());
}

TEST(Commands, MayBeShortened) {
  ASSERT_TRUE(command_called("mem"));
  EXPECT_EQ(command_called("mem")->name, "members");
  EXPECT_EQ(command_called("account")->name, "account") << "whole, though accounts begins so too";
  EXPECT_EQ(command_called("re"), nullptr) << "rename or remove";
  EXPECT_EQ(command_called(""), nullptr);
}

}  // namespace
}  // namespace parley::cli::desk
