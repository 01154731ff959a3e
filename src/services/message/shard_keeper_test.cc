#include "services/message/shard_keeper.h"

#include <atomic>
#include <gtest/gtest.h>
#include <random>

#include "adapters/coordination/memory/coordination.h"
#include "domain/conversation_id.h"

namespace parley::message {
namespace {

using namespace std::chrono_literals;
using coordination::MemoryCoordination;
using coordination::MemoryCoordinator;

/// Under which lease each shard is used: nobody may get one while another's certainly holds.
class Users {
 public:
  void begins(const ShardGrant& grant) {
    const std::lock_guard lock(mutex_);
    auto& lease = leases_.at(grant.shard.value);
    EXPECT_FALSE(lease && lease->certainly_holds()) << grant.shard.value;
    lease = grant.lease;
  }
  void ends(ShardId shard) {
    const std::lock_guard lock(mutex_);
    leases_.at(shard.value).reset();
  }

 private:
  std::mutex mutex_;
  std::array<std::shared_ptr<const Lease>, kShards> leases_;
};

/// A process that uses what it owns, and finishes what it yields at some later time, elsewhere.
class Process {
 public:
  Process(MemoryCoordinator& coordinator, Users& users, const std::string& name)
      : users_(users), coordination_(coordinator, name) {
    EXPECT_TRUE(port().membership().join({"message", name, "127.0.0.1:1", ""}));
    keeper_ = std::make_unique<ShardKeeper>(
        coordination_, ShardKeeper::Settings{.kind = "message", .process = name},
        ShardKeeper::Callbacks{[this](std::vector<ShardGrant> grants) {
                                 for (auto& grant : grants) {
                                   users_.begins(grant);
                                   generations[grant.shard.value] = grant.generation.value;
                                   ++owned_;
                                   ++gained;
                                 }
                               },
                               [this](std::vector<ShardId> shards, std::function<void()> done) {
                                 yielding = std::max<std::size_t>(yielding, shards.size());
                                 const std::lock_guard lock(mutex_);
                                 in_flight_.emplace_back(std::move(shards), std::move(done));
                               },
                               [this](std::vector<ShardId> shards) {
                                 lost += static_cast<int>(shards.size());
                                 owned_ -= static_cast<int>(shards.size());
                               }});
    keeper_->start();
  }

  Coordination& port() { return coordination_; }
  ShardKeeper& keeper() { return *keeper_; }
  int owned() const { return owned_; }
  void cut_off(bool cut) { coordination_.stall(cut); }
  void finish_in_flight() {
    std::vector<std::pair<std::vector<ShardId>, std::function<void()>>> finished;
    {
      const std::lock_guard lock(mutex_);
      finished.swap(in_flight_);
    }
    for (auto& [shards, done] : finished) {
      for (auto shard : shards) users_.ends(shard);
      owned_ -= static_cast<int>(shards.size());
      done();
    }
  }

  std::atomic<int> gained = 0;
  std::atomic<int> lost = 0;
  std::atomic<std::size_t> yielding = 0;
  std::array<std::atomic<std::uint64_t>, kShards> generations{};  // that were gained last

 private:
  Users& users_;
  MemoryCoordination coordination_;
  std::atomic<int> owned_ = 0;
  std::mutex mutex_;
  std::vector<std::pair<std::vector<ShardId>, std::function<void()>>> in_flight_;
  std::unique_ptr<ShardKeeper> keeper_;
};

class ShardKeeperTest : public testing::Test {
 protected:
  std::unique_ptr<Process> start(const std::string& name) {
    return std::make_unique<Process>(coordinator_, users_, name);
  }
  /// Time passes, and what is yielded is finished, until `condition`.
  bool await(const std::vector<Process*>& processes, const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + 30s;
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      clock_.advance(2ms);
      coordinator_.turn();
      for (auto* process : processes) process->finish_in_flight();
      std::this_thread::yield();
    }
    return true;
  }

  ManualClock clock_;
  MemoryCoordinator coordinator_{{.session_timeout = 1000ms, .times = {400ms}, .clock = &clock_}};
  Users users_;
};

TEST_F(ShardKeeperTest, OneTakesAllAndSharesThemWithThoseWhoCome) {
  auto a = start("a");
  EXPECT_TRUE(await({a.get()}, [&] { return a->owned() == 1024; }));
  auto b = start("b");
  EXPECT_TRUE(await({a.get(), b.get()}, [&] { return a->owned() == 512 && b->owned() == 512; }));
  EXPECT_EQ(a->gained, 1024);
  EXPECT_LE(a->yielding, 64u);
  auto c = start("c");
  // The last may be on its way between two of them when the third has its own.
  EXPECT_TRUE(await({a.get(), b.get(), c.get()},
                    [&] { return c->owned() == 341 && a->owned() + b->owned() == 683; }));
  EXPECT_EQ(b->gained, 512);  // nothing moved but what had to
  EXPECT_EQ(c->gained, 341);
}

TEST_F(ShardKeeperTest, WhatIsInFlightIsFinishedBeforeAnotherHasTheShard) {
  auto a = start("a");
  EXPECT_TRUE(await({a.get()}, [&] { return a->owned() == 1024; }));
  auto b = start("b");
  // `a` does not finish: `b` gets nothing, for however long.
  EXPECT_TRUE(await({b.get()}, [&] { return a->yielding > 0; }));
  const auto later = clock_.mono() + 3s;
  EXPECT_TRUE(await({b.get()}, [&] { return clock_.mono() > later; }));
  EXPECT_EQ(b->owned(), 0);
  EXPECT_TRUE(await({a.get(), b.get()}, [&] { return b->owned() == 512; }));
}

TEST_F(ShardKeeperTest, DrainingHandsEverythingToTheOthers) {
  auto a = start("a");
  auto b = start("b");
  auto c = start("c");
  EXPECT_TRUE(await({a.get(), b.get(), c.get()},
                    [&] { return a->owned() >= 341 && b->owned() >= 341 && c->owned() >= 341; }));
  ASSERT_TRUE(b->port().membership().leave("message", "b"));
  std::atomic<bool> drained = false;
  std::thread drains([&] { drained = b->keeper().drain(30s); });
  EXPECT_TRUE(await({a.get(), b.get(), c.get()},
                    [&] { return drained && a->owned() == 512 && c->owned() == 512; }));
  drains.join();
  EXPECT_EQ(b->owned(), 0);
  EXPECT_EQ(b->lost, 0);
}

TEST_F(ShardKeeperTest, TheShardsOfOneThatVanishesGoToTheOthersAfterItsLease) {
  auto a = start("a");
  auto b = start("b");
  EXPECT_TRUE(await({a.get(), b.get()}, [&] { return a->owned() == 512 && b->owned() == 512; }));
  a->cut_off(true);
  const auto cut = clock_.mono();
  EXPECT_TRUE(await({b.get()}, [&] { return b->owned() == 1024; }));
  EXPECT_GE(clock_.mono() - cut, 1400ms);
  a->cut_off(false);
  EXPECT_TRUE(await({b.get()}, [&] { return a->lost == 512; }));
  // It is listed again, and gets its share back.
  EXPECT_TRUE(await({a.get(), b.get()}, [&] { return b->owned() == 512 && a->owned() == 512; }));
}

TEST_F(ShardKeeperTest, AShardThatWasTakenUnnoticedIsFound) {
  auto a = start("a");
  EXPECT_TRUE(await({a.get()}, [&] { return a->owned() == 1024; }));
  auto b = std::make_unique<MemoryCoordination>(coordinator_, "b");
  // A call of b's took effect and its answer was lost: b's keeper does not know of it.
  Coordination& port = *b;
  ASSERT_TRUE(a->port().membership().leave("message", "a"));
  std::atomic<bool> drained = false;
  std::thread drains([&] { drained = a->keeper().drain(30s); });
  EXPECT_TRUE(await({a.get()}, [&] { return drained.load(); }));
  drains.join();
  const std::vector all{ShardId(1), ShardId(2)};
  ASSERT_EQ(port.shards().acquire(all).value().size(), 2u);
  ASSERT_TRUE(port.membership().join({"message", "b", "127.0.0.1:2", ""}));
  std::atomic<int> gained = 0;
  ShardKeeper keeper(
      port, {.kind = "message", .process = "b"},
      {[&](const std::vector<ShardGrant>& grants) {
         for (const auto& grant : grants)
           if (grant.shard.value <= 2) EXPECT_GE(grant.generation.value, 1u);
         gained += static_cast<int>(grants.size());
       },
       [](const std::vector<ShardId>&, const std::function<void()>& done) { done(); },
       [](const std::vector<ShardId>&) {}});
  keeper.start();
  EXPECT_TRUE(await({}, [&] { return gained == 1024; }));
}

TEST_F(ShardKeeperTest, WhatIsGivenUpIsTakenAnewHoweverManyAndHoweverLate) {
  auto a = start("a");
  EXPECT_TRUE(await({a.get()}, [&] { return a->owned() == 1024; }));
  // The coordinator cannot be asked just then; the session lives on.
  a->cut_off(true);
  for (std::uint32_t i = 0; i < 200; ++i)
    a->keeper().give_up(ShardId(i), Generation(a->generations[i]));
  const auto later = clock_.mono() + 200ms;
  EXPECT_TRUE(await({a.get()}, [&] { return clock_.mono() > later; }));
  EXPECT_EQ(a->gained, 1024);
  a->cut_off(false);
  EXPECT_TRUE(await({a.get()}, [&] { return a->gained == 1224 && a->owned() == 1024; }));
  EXPECT_LE(a->yielding, 64u);
  EXPECT_EQ(a->lost, 0);
  // A word that comes late, of a generation that is not held any more.
  a->keeper().give_up(ShardId(7), Generation(a->generations[7] - 1));
  a->keeper().give_up(ShardId(8), Generation(a->generations[8]));
  EXPECT_TRUE(await({a.get()}, [&] { return a->gained == 1225 && a->owned() == 1024; }));
  EXPECT_EQ(a->generations[7], 2u);
  EXPECT_EQ(a->generations[8], 3u);
}

}  // namespace
}  // namespace parley::message
