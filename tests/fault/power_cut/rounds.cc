#include "tests/fault/power_cut/rounds.h"

#include <condition_variable>
#include <fmt/format.h>
#include <mutex>
#include <random>
#include <thread>

#include "adapters/conversation_store/rocksdb/rocksdb_conversation_store.h"
#include "tests/fault/power_cut/history.h"

namespace parley::test {
namespace {

using Random = std::mt19937_64;
constexpr std::size_t kThreads = 2;
constexpr std::size_t kRounds = 3;

/// Small files and flushes, so that a few hundred commits meet everything there is.
RocksdbConversationStoreSettings settings(const Disk& disk) {
  RocksdbConversationStoreSettings settings;
  settings.segment_bytes = 16 << 10;
  settings.flush_entries = 60;
  settings.flush_bytes = 48 << 10;
  settings.idle_flush_rows = 1;
  settings.idle_flush_after = std::chrono::milliseconds(1);
  settings.reserve_bytes = 4096;
  settings.files = disk.log_files();
  settings.env = disk.env();
  return settings;
}

std::vector<UserId> members(const ConversationId& id) {
  if (id.is_direct()) return {UserId(id.first()), UserId(id.second())};
  return {UserId(1), UserId(2), UserId(3), UserId(4)};
}

class Run {
 public:
  Run(std::uint64_t seed, Honest honest) : random_(seed), disk_(honest) {
    for (std::uint64_t i = 0; i < 5; ++i) {
      conversations_[0].push_back(ConversationId::direct(UserId(1), UserId(100 + i)));
      conversations_[1].push_back(ConversationId::direct(UserId(2), UserId(100 + i)));
    }
    conversations_[1].push_back(ConversationId::group(7));
  }

  Outcome play() {
    for (std::size_t i = 0; i < kRounds && outcome_.wrong.empty(); ++i) round();
    for (int again = 0; again < 2 && outcome_.wrong.empty(); ++again)
      if (open()) store_.reset();
    outcome_.vanished = history_.vanished();
    outcome_.gone = history_.gone();
    return std::move(outcome_);
  }

 private:
  void round() {
    constexpr std::uint64_t kReach[] = {40, 150, 600, 2'000};
    const auto failure = random_() % 4 == 0 ? Failure::kill : Failure::power;
    const auto seed = random_();
    disk_.fail_after(1 + random_() % kReach[random_() % 4], failure, seed);
    const bool opened = open();
    if (opened) {
      if (disk_.failed())
        ++outcome_.while_opening;
      else
        work();
    }
    store_.reset();  // a failure may come in the flush at the end as well
    disk_.fail_now(failure, seed);
    disk_ = disk_.found();
  }

  /// Opens and judges. What an opening shows before the failure must stay.
  bool open() {
    auto opened = RocksdbConversationStore::open("/store", settings(disk_));
    const bool failed = disk_.failed();
    if (!opened) {
      outcome_.wrong.push_back("does not open: " + opened.error().message);
      return false;
    }
    store_ = std::move(*opened);
    const auto info = store_->info();
    if (info.generation <= generation_) outcome_.wrong.push_back("the generation did not rise");
    if (epoch_ != 0 && info.epoch != epoch_) outcome_.wrong.push_back("the epoch changed");
    const auto found = history_.judge(*store_, *store_, outcome_.wrong);
    if (!found || !outcome_.wrong.empty()) return false;
    if (failed) return true;  // of this opening nobody knows
    generation_ = info.generation;
    epoch_ = info.epoch;
    history_.settle(*found, *store_);
    synced_ = 0;
    // What was set and never logged is gone, as it may be: nobody sets it again.
    consumed_ = store_->position("consumer").value_or(0);
    return true;
  }

  void work() {
    const auto contents = history_.contents();
    idle_ = {};
    heads_.clear();
    for (std::size_t t = 0; t < kThreads; ++t)
      for (const auto& id : conversations_[t]) {
        idle_[t].push_back(id);
        const auto log = contents.logs.find(id);
        heads_[id] = log == contents.logs.end() ? 0 : log->second.size();
      }
    const auto before = history_.size();
    const std::uint64_t seeds[] = {random_(), random_()};
    const auto calls = 1 + random_() % 250;
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < kThreads; ++t)
      threads.emplace_back([this, t, calls, seed = seeds[t]] {
        Random random(seed);
        for (std::uint64_t i = 0; i < calls && !disk_.failed(); ++i) call(t, random);
      });
    for (auto& thread : threads) thread.join();
    store_.reset();  // answers everything
    if (disk_.failed()) ++outcome_.while_working;
    outcome_.calls += history_.size() - before;
    outcome_.answered += history_.answered() - before;
  }

  /// One commit to some conversations of the thread that have none in flight.
  void call(std::size_t thread, Random& random) {
    std::unique_lock lock(mutex_);
    auto& idle = idle_[thread];
    answered_.wait(lock, [&] { return !idle.empty(); });
    Called called;
    const auto count = 1 + random() % std::min<std::size_t>(3, idle.size());
    for (std::size_t i = 0; i < count; ++i) {
      const auto at = static_cast<std::ptrdiff_t>(random() % idle.size());
      called.group.push_back(append(idle[static_cast<std::size_t>(at)], random));
      idle.erase(idle.begin() + at);
    }
    called.now = TimeMs(static_cast<std::int64_t>(++clock_));
    if (random() % 4 == 0) store_->set_position("consumer", ++consumed_);
    called.consumed = consumed_;
    if (random() % 16 == 0 && synced_ > 0) {
      const auto position = synced_ - random() % synced_;
      history_.trimmed(position);
      store_->trim(position);
    }
    auto group = called.group;
    const auto now = called.now;
    const auto number = history_.add(std::move(called));
    store_->commit(
        store_->info().generation, now, std::move(group),
        [this, thread, number](Result<std::uint64_t> answer) { done(thread, number, answer); });
  }

  void done(std::size_t thread, std::size_t number, const Result<std::uint64_t>& answer) {
    const std::lock_guard lock(mutex_);
    if (!answer) outcome_.wrong.push_back("refused: " + answer.error().message);
    // Asked after the answer came: where the failure had not come by then, it came later.
    if (!disk_.failed()) history_.answered(number);
    synced_ = std::max(synced_, answer.value_or(0));
    for (const auto& append : history_.group(number)) idle_[thread].push_back(append.conversation);
    answered_.notify_all();
  }

  Append append(const ConversationId& id, Random& random) {
    const auto all = members(id);
    const auto sender = all[random() % all.size()];
    auto& head = heads_[id];
    Append append{id, {}, {}, false, {}};
    if (head > 0 && random() % 5 == 0) {  // marks alone
      append.marks.push_back({id, sender, {Seq(head), Seq(head), head}});
      append.inboxes = all;
      return append;
    }
    for (auto left = 1 + random() % 3; left > 0; --left) {
      auto entry = std::make_shared<Entry>();
      entry->conversation = id;
      entry->seq = Seq(++head);
      entry->id = MessageId(++clock_);
      entry->sender = sender;
      entry->device = DeviceId(sender.value * 10);
      entry->time = TimeMs(static_cast<std::int64_t>(clock_));
      entry->client_message_id = fmt::format("key {}", clock_);
      const auto size = random() % 100;
      entry->body.resize(size == 0 ? 40'000 : size < 5 ? 3'000 : size * 2, static_cast<char>(size));
      entry->countable = head;
      append.entries.push_back(std::move(entry));
    }
    append.inboxes = all;
    append.marks.push_back({id, sender, {Seq(head), Seq(head), head}});
    if (!id.is_direct()) change_group(append, random);
    return append;
  }

  /// Makes the last entry one that changes the group: some join, some leave, and the rows of some
  /// are said to stay.
  void change_group(Append& append, Random& random) {
    auto entry = std::make_shared<Entry>(*append.entries.back());
    entry->group = {static_cast<std::uint32_t>(random() % 1'000), random() % 2 == 0, false};
    if (random() % 2 == 0) {
      auto change = std::make_shared<GroupChange>();
      change->what = random() % 2 == 0 ? GroupChange::What::added : GroupChange::What::removed;
      change->version = entry->seq.value;
      for (auto left = 1 + random() % 3; left > 0; --left) {
        const UserId user(1 + random() % 40);
        change->users.push_back(user);
        Marks marks;
        (change->what == GroupChange::What::added ? marks.joined : marks.left) = entry->seq;
        append.marks.push_back({append.conversation, user, marks});
      }
      append.inboxes = change->users;
      append.wide = random() % 2 == 0;
      entry->kind = EntryKind::group_change;
      entry->change = std::move(change);
      entry->body.clear();
    }
    append.entries.back() = std::move(entry);
  }

  Random random_;
  Disk disk_;
  Outcome outcome_;
  std::vector<ConversationId> conversations_[kThreads];

  std::mutex mutex_;  // guards the rest while threads run, and makes calls come in one order
  std::condition_variable answered_;
  std::array<std::vector<ConversationId>, kThreads> idle_;
  std::map<ConversationId, std::uint64_t> heads_;
  History history_;
  std::uint64_t clock_ = 1'750'000'000'000;
  std::uint64_t consumed_ = 0;
  std::uint64_t synced_ = 0;  // of the feed, by the answers since the store was opened
  Generation generation_;
  std::uint64_t epoch_ = 0;
  std::unique_ptr<RocksdbConversationStore> store_;
};

}  // namespace

Outcome play(std::uint64_t seed, Honest honest) { return Run(seed, honest).play(); }

}  // namespace parley::test
