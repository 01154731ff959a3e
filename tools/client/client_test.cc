#include <gtest/gtest.h>
#include <regex>
#include <sys/stat.h>

#include "client/account.h"
#include "client/endpoint.h"
#include "client/log_view.h"
#include "client/outbox.h"
#include "client/temp_folder.h"
#include "client/uuid.h"

namespace parley::client {
namespace {
using std::chrono::milliseconds;

TEST(Uuid, IsVersion7WithItsMillisecondsInFront) {
  EXPECT_EQ(uuid_v7(0x017f22e279b0, 0xcc3, 0x18c4dc0c0c07398f),
            "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
  const auto one = new_uuid_v7(), other = new_uuid_v7();
  EXPECT_NE(one, other);
  EXPECT_TRUE(std::regex_match(
      one, std::regex("[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")));
}

TEST(Endpoint, TakesTheFormsThatPeopleType) {
  EXPECT_EQ(Endpoint::parse("chat.example")->text(), "chat.example:7070");
  EXPECT_EQ(Endpoint::parse("http://127.0.0.1:81/")->text(), "127.0.0.1:81");
  EXPECT_EQ(Endpoint::parse("[::1]:81")->text(), "[::1]:81");
  EXPECT_FALSE(Endpoint::parse("host:port"));
  EXPECT_FALSE(Endpoint::parse(":81"));
  EXPECT_EQ(Endpoint::parse("https://chat.example")->text(), "https://chat.example:443");
  EXPECT_EQ(Endpoint::parse("https://[::1]:81/")->text(), "https://[::1]:81");
  EXPECT_EQ(Endpoint::parse("https://[::1]:81/")->authority(), "[::1]:81");
  EXPECT_TRUE(Endpoint::parse("https://chat.example")->tls);
}

TEST(Account, IsKeptForItsOwnerAlone) {
  TempFolder folder;
  AccountState state;
  state.set_name("ana");
  ASSERT_TRUE(Account::create(folder.path() / "new", "ana", state));
  struct stat info{};
  ASSERT_EQ(::stat((folder.path() / "new" / "ana.json").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0600u);
  EXPECT_EQ(Account::list(folder.path() / "new"), std::vector<std::string>{"ana"});
  EXPECT_FALSE(Account::create(folder.path(), "../ana", state));
  EXPECT_FALSE(Account::load(folder.path(), "bob"));
}

TEST(Account, TwoProcessesKeepEachOthersChanges) {
  TempFolder folder;
  auto one = Account::create(folder.path(), "ana", {});
  auto other = Account::load(folder.path(), "ana");
  ASSERT_TRUE(one->update([](AccountState& state) { state.set_cursor("c1"); }));
  ASSERT_TRUE(other->update([](AccountState& state) { state.set_name("ana"); }));
  EXPECT_EQ(other->state().cursor(), "c1");
  ASSERT_TRUE(one->reload());
  EXPECT_EQ(one->state().name(), "ana");
}

TEST(Account, OneRefreshesAtATime) {
  TempFolder folder;
  auto one = Account::create(folder.path(), "ana", {});
  auto other = Account::load(folder.path(), "ana");
  {
    auto lock = one->try_lock_refresh();
    ASSERT_TRUE(lock && *lock);
    auto second = other->try_lock_refresh();
    ASSERT_TRUE(second);
    EXPECT_FALSE(*second);
  }
  auto second = other->try_lock_refresh();
  EXPECT_TRUE(second && *second);
}

TEST(Account, ADamagedFileIsSaid) {
  TempFolder folder;
  ASSERT_TRUE(Account::create(folder.path(), "ana", {}));
  std::ofstream(folder.path() / "ana.json") << "{\"name\": ";
  const auto read = Account::load(folder.path(), "ana");
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("ana.json is damaged"), std::string::npos);
}

TEST(Outbox, SurvivesTheProcess) {
  TempFolder folder;
  auto account = Account::create(folder.path(), "ana", {});
  Outbox outbox(*account);
  const auto first = outbox.add("d:1:2", "one");
  const auto second = outbox.add("d:1:2", "two");
  ASSERT_TRUE(first && second);

  auto later = Account::load(folder.path(), "ana");
  Outbox again(*later);
  ASSERT_EQ(again.items().size(), 2);
  EXPECT_EQ(again.items().Get(0).client_message_id(), first->client_message_id());
  EXPECT_EQ(again.items().Get(1).text(), "two");
  ASSERT_TRUE(again.remove(first->client_message_id()));
  EXPECT_EQ(again.find(first->client_message_id()), nullptr);
  ASSERT_NE(again.find(second->client_message_id()), nullptr);
}

v1::Entry entry(std::uint64_t seq) {
  v1::Entry made;
  made.set_seq(seq);
  return made;
}
std::vector<std::uint64_t> seqs(const std::vector<v1::Entry>& entries) {
  std::vector<std::uint64_t> numbers;
  for (const auto& one : entries) numbers.push_back(one.seq());
  return numbers;
}
using Seqs = std::vector<std::uint64_t>;

const Time kStart{};
Time at(int ms) { return kStart + milliseconds(ms); }

TEST(LogView, ShowsEachOnceAndInOrder) {
  LogView view(5);
  EXPECT_EQ(seqs(view.add(entry(5), at(0))), Seqs{});
  EXPECT_EQ(seqs(view.add(entry(8), at(0))), Seqs{});
  EXPECT_EQ(seqs(view.add(entry(6), at(1))), Seqs{6});
  EXPECT_EQ(seqs(view.add(entry(8), at(1))), Seqs{});
  EXPECT_EQ(seqs(view.add(entry(7), at(2))), (Seqs{7, 8}));
  EXPECT_EQ(seqs(view.add(entry(7), at(3))), Seqs{});
  EXPECT_EQ(view.fetch_at(), Time::max());
}

TEST(LogView, FetchesAGapThatStaysOpenFor300Milliseconds) {
  LogView view(1);
  view.add(entry(3), at(1000));
  EXPECT_EQ(view.fetch_at(), at(1300));
  view.fetch_started();
  EXPECT_EQ(view.fetch_at(), Time::max());
  v1::History page;
  *page.add_entries() = entry(2);
  *page.add_entries() = entry(3);
  const auto fetched = view.fetched(page, at(1400));
  EXPECT_EQ(seqs(fetched.entries), (Seqs{2, 3}));
  EXPECT_FALSE(fetched.skipped);
  EXPECT_EQ(view.fetch_at(), Time::max());
}

TEST(LogView, AHeadBeyondWhatIsShownIsAGapToo) {
  LogView view(1);
  view.note_head(1, at(0));
  EXPECT_EQ(view.fetch_at(), Time::max());
  view.note_head(4, at(10));
  EXPECT_EQ(view.fetch_at(), at(310));
  view.add(entry(2), at(200));
  EXPECT_EQ(view.fetch_at(), at(500)) << "something came: what is still missing gets its time";
}

TEST(LogView, SkipsWhatTheServerDoesNotHave) {
  LogView view(1);
  view.add(entry(5), at(0));
  view.fetch_started();
  v1::History page;
  *page.add_entries() = entry(5);
  const auto fetched = view.fetched(page, at(1));
  EXPECT_EQ(fetched.skipped, (Range{2, 4}));
  EXPECT_EQ(seqs(fetched.entries), Seqs{5});
}

TEST(LogView, AnOldAnswerDoesNotSkipWhatItDoesNotReach) {
  LogView view(1);
  view.add(entry(5), at(0));
  view.fetch_started();  // after 1
  view.add(entry(2), at(1));
  view.add(entry(3), at(1));
  v1::History page;
  *page.add_entries() = entry(2);
  const auto fetched = view.fetched(page, at(2));
  EXPECT_FALSE(fetched.skipped);
  EXPECT_EQ(view.shown(), 3u);
  EXPECT_EQ(view.fetch_at(), at(301));
}

TEST(LogView, AFailedFetchIsTriedAgain) {
  LogView view(1);
  view.add(entry(3), at(0));
  view.fetch_started();
  view.fetch_failed(at(5000));
  EXPECT_EQ(view.fetch_at(), at(5000));
}

}  // namespace
}  // namespace parley::client
