// Shards, node numbers and the session that holds them (ports/shard_leases.h,
// ports/coordination.h).
#include <algorithm>
#include <atomic>
#include <map>
#include <random>
#include <thread>

#include "domain/conversation_id.h"
#include "tests/contract/coordination/promises.h"

namespace parley::test {

bool CoordinationUnderTest::await(const std::function<bool()>& condition) {
  const auto end = clock().mono() + 30s;
  while (!condition()) {
    if (clock().mono() > end) return false;
    step();
  }
  return true;
}

namespace {

std::vector<ShardId> shards(std::uint32_t first, std::uint32_t count) {
  std::vector<ShardId> out;
  for (std::uint32_t i = 0; i < count; ++i) out.emplace_back(first + i);
  return out;
}

std::vector<std::uint32_t> ids(const std::vector<ShardGrant>& grants) {
  std::vector<std::uint32_t> out;
  for (const auto& grant : grants) out.push_back(grant.shard.value);
  return out;
}

void of_two_claimants_one_gets_a_shard(CoordinationUnderTest& subject) {
  auto a = subject.connect("a");
  auto b = subject.connect("b");
  const auto first = a->port().shards().acquire(shards(10, 3));
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_EQ(ids(*first), (std::vector<std::uint32_t>{10, 11, 12}));
  EXPECT_TRUE(subject.await([&] { return first->at(0).lease->certainly_holds(); }));
  const auto second = b->port().shards().acquire(shards(11, 3));
  ASSERT_TRUE(second);
  EXPECT_EQ(ids(*second), std::vector<std::uint32_t>{13});
  const auto owners = b->port().shards().owners().value();
  ASSERT_EQ(owners.size(), kShards);
  EXPECT_EQ(owners[9].process, "");
  EXPECT_TRUE(owners[9].free());
  EXPECT_EQ(owners[12].process, "a");
  EXPECT_FALSE(owners[12].free_in);
  EXPECT_EQ(owners[13].process, "b");
}

void all_shards_at_once(CoordinationUnderTest& subject) {
  auto a = subject.connect("a");
  const auto all = shards(0, kShards);
  for (std::uint64_t round = 1; round <= 3; ++round) {
    const auto granted = a->port().shards().acquire(all);
    ASSERT_TRUE(granted);
    ASSERT_EQ(granted->size(), std::size_t{kShards});
    for (const auto& grant : *granted) EXPECT_EQ(grant.generation, Generation(round));
    ASSERT_TRUE(a->port().shards().release(all));
  }
}

void a_released_shard_is_free_at_once(CoordinationUnderTest& subject) {
  auto a = subject.connect("a");
  auto b = subject.connect("b");
  const auto first = a->port().shards().acquire(shards(1, 2)).value();
  ASSERT_TRUE(b->port().shards().release(shards(1, 2)));  // not its own: nothing happens
  EXPECT_EQ(b->port().shards().acquire(shards(1, 2)).value().size(), 0u);
  ASSERT_TRUE(a->port().shards().release(shards(1, 1)));
  const auto second = b->port().shards().acquire(shards(1, 2)).value();
  ASSERT_EQ(ids(second), std::vector<std::uint32_t>{1});
  EXPECT_GT(second[0].generation, first[0].generation);
}

void taking_ones_own_again_gives_a_new_generation(CoordinationUnderTest& subject) {
  auto a = subject.connect("a");
  const auto first = a->port().shards().acquire(shards(1, 1)).value();
  const auto again = a->port().shards().acquire(shards(1, 1)).value();
  ASSERT_EQ(again.size(), 1u);
  EXPECT_GT(again[0].generation, first[0].generation);
}

// Many processes take and release the same few shards from their own threads: at no time do two
// have one, and each grant's generation is above all before.
void generations_grow_and_nobody_shares(CoordinationUnderTest& subject) {
  constexpr std::uint32_t kContended = 4;
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 4; ++i) clients.push_back(subject.connect(fmt::format("p{}", i)));
  std::array<std::atomic<int>, kContended> holders{};
  std::array<std::atomic<std::uint64_t>, kContended> newest{};
  std::atomic<int> granted = 0;
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < clients.size(); ++i)
    threads.emplace_back([&, i] {
      std::mt19937 random(static_cast<unsigned>(i));
      auto& port = clients[i]->port().shards();
      for (int round = 0; round < 40; ++round) {
        const auto wanted = shards(random() % (kContended - 1), 1 + random() % 2);
        const auto grants = port.acquire(wanted);
        if (!grants) continue;
        for (const auto& grant : *grants) {
          EXPECT_EQ(holders[grant.shard.value].fetch_add(1), 0);
          EXPECT_LT(newest[grant.shard.value].exchange(grant.generation.value),
                    grant.generation.value);
          ++granted;
        }
        for (const auto& grant : *grants) holders[grant.shard.value].fetch_sub(1);
        while (!port.release(wanted)) {
        }
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_GT(granted, 40);
}

struct Round {
  unsigned seed;
  bool comes_back;  // before the session is lost: then nobody may get anything
};

/// The owner is cut off at a moment drawn by seed. A thread of its own asks the lease all the time,
/// as sends do; another process tries to take the shard all the time.
void cut_off_once(CoordinationUnderTest& subject, Round round) {
  SCOPED_TRACE(fmt::format("seed {}", round.seed));
  std::mt19937 random(round.seed);
  auto a = subject.connect(fmt::format("a{}", round.seed));
  auto b = subject.connect(fmt::format("b{}", round.seed));
  const auto wanted = shards(round.seed % kShards, 1);
  Heard<SessionEvent> events;
  a->port().listen(events.hear());
  const auto grants = a->port().shards().acquire(wanted).value();
  ASSERT_EQ(grants.size(), 1u);
  const auto& lease = *grants[0].lease;
  const auto& clock = subject.clock();

  std::atomic<bool> stop = false;
  std::atomic<std::int64_t> last_held = 0;
  std::thread asks([&] {
    while (!stop) {
      const auto before = clock.mono();  // it held at least until here
      if (lease.certainly_holds()) last_held = before.count();
    }
  });

  const auto cut_at = clock.mono() + std::chrono::milliseconds(random() % 400);
  EXPECT_TRUE(subject.await([&] { return clock.mono() >= cut_at; }));
  EXPECT_TRUE(subject.await([&] { return lease.certainly_holds(); }));
  a->cut_off(true);
  const auto back_at = clock.mono() + subject.session_timeout() * 6 / 10;
  bool back = false;
  std::optional<std::int64_t> taken_at;
  EXPECT_TRUE(subject.await([&] {
    if (round.comes_back && !back && clock.mono() >= back_at) {
      a->cut_off(false);
      back = true;
    }
    const auto taken = b->port().shards().acquire(wanted);
    if (taken && !taken->empty()) {
      taken_at = clock.mono().count();
      EXPECT_GT((*taken)[0].generation, grants[0].generation);
    }
    return taken_at ||
           (back && lease.certainly_holds() && clock.mono() > back_at + subject.session_timeout());
  }));
  EXPECT_NE(taken_at.has_value(), round.comes_back);
  if (taken_at) {
    EXPECT_FALSE(lease.certainly_holds());
    EXPECT_TRUE(events.has(SessionEvent::lapsed));  // told while it was cut off, and before
    a->cut_off(false);                              // it wakes up: what it held stays lost
    EXPECT_TRUE(subject.await([&] { return events.has(SessionEvent::lost); }));
    EXPECT_TRUE(subject.await([&] { return events.last() == SessionEvent::opened; }));
    EXPECT_EQ(a->port().shards().acquire(wanted).value().size(), 0u);
  }
  stop = true;
  asks.join();
  if (taken_at) {
    EXPECT_LT(last_held.load(), *taken_at) << "held when another had it already";
    EXPECT_FALSE(lease.certainly_holds());
  }
}

void a_lease_ends_before_another_can_have_it(CoordinationUnderTest& subject) {
  for (unsigned seed = 1; seed <= 5; ++seed) cut_off_once(subject, {seed, false});
}

void who_comes_back_in_time_has_lost_nothing(CoordinationUnderTest& subject) {
  for (unsigned seed = 11; seed <= 12; ++seed) cut_off_once(subject, {seed, true});
}

void lapsed_then_renewed_or_lost_is_told_in_order(CoordinationUnderTest& subject) {
  auto a = subject.connect("a");
  Heard<SessionEvent> events;
  a->port().listen(events.hear());
  // On a busy machine it may lapse in between.
  EXPECT_TRUE(subject.await(
      [&] { return events.has(SessionEvent::opened) || events.has(SessionEvent::renewed); }));
  a->cut_off(true);
  EXPECT_TRUE(subject.await([&] { return events.last() == SessionEvent::lapsed; }));
  a->cut_off(false);
  EXPECT_TRUE(subject.await([&] { return events.last() == SessionEvent::renewed; }));
  const auto all = events.all();
  for (std::size_t i = 1; i < all.size(); ++i)
    EXPECT_EQ(all[i],
              all[i - 1] == SessionEvent::lapsed ? SessionEvent::renewed : SessionEvent::lapsed);
}

void without_the_coordinator_calls_are_unavailable(CoordinationUnderTest& subject) {
  auto a = subject.connect("a");
  a->cut_off(true);
  EXPECT_EQ(a->port().shards().acquire(shards(1, 1)).error().code, Code::unavailable);
  EXPECT_EQ(a->port().node_numbers().claim(1).error().code, Code::unavailable);
  EXPECT_EQ(a->port().membership().members("gateway").error().code, Code::unavailable);
  EXPECT_EQ(a->port().now().error().code, Code::unavailable);
  a->cut_off(false);
  EXPECT_TRUE(subject.await([&] { return a->port().shards().acquire(shards(1, 1)).has_value(); }));
}

void a_watch_tells_who_owns_what(CoordinationUnderTest& subject) {
  auto a = subject.connect("a");
  auto b = subject.connect("b");
  Heard<ShardOwners> heard;
  b->port().shards().watch(heard.hear());
  EXPECT_TRUE(subject.await([&] { return heard.all().size() == 1; }));
  EXPECT_TRUE(heard.last().at(5).free());
  const auto granted = a->port().shards().acquire(shards(5, 1)).value();
  EXPECT_TRUE(subject.await([&] { return heard.last().at(5).process == "a"; }));
  EXPECT_EQ(heard.last().at(5).generation, granted[0].generation);
  EXPECT_FALSE(heard.last().at(5).free_in);
  a->cut_off(true);
  EXPECT_TRUE(subject.await([&] { return heard.last().at(5).free_in.has_value(); }));
  EXPECT_EQ(heard.last().at(5).process, "a");
  EXPECT_GT(heard.last().at(5).free_in, 0ms);
  EXPECT_LE(heard.last().at(5).free_in, subject.lease() * 11 / 10);
}

void a_node_number_belongs_to_one(CoordinationUnderTest& subject) {
  auto a = subject.connect("a");
  auto b = subject.connect("b");
  const auto seven = a->port().node_numbers().claim(7);
  ASSERT_TRUE(seven) << seven.error().message;
  EXPECT_EQ(seven->number, 7u);
  EXPECT_TRUE(subject.await([&] { return seven->lease->certainly_holds(); }));
  const auto refused = b->port().node_numbers().claim(7);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::already_exists);
  EXPECT_NE(refused.error().message.find("process a"), std::string::npos);
  EXPECT_EQ(a->port().node_numbers().claim(7).error().code, Code::already_exists);
  EXPECT_EQ(a->port().node_numbers().claim(kNodeNumbers).error().code, Code::invalid_argument);
  std::vector<std::uint32_t> any{7};
  for (int i = 0; i < 3; ++i) {
    any.push_back(a->port().node_numbers().claim({}).value().number);
    any.push_back(b->port().node_numbers().claim({}).value().number);
  }
  std::ranges::sort(any);
  EXPECT_EQ(std::ranges::adjacent_find(any), any.end());
  ASSERT_TRUE(a->port().node_numbers().release(7));
  EXPECT_EQ(b->port().node_numbers().claim(7).value().number, 7u);
}

void a_lost_node_number_is_free_after_its_lease(CoordinationUnderTest& subject) {
  auto a = subject.connect("a");
  auto b = subject.connect("b");
  const auto held = a->port().node_numbers().claim(7).value();
  a->cut_off(true);
  EXPECT_TRUE(subject.await([&] {
    const auto claimed = b->port().node_numbers().claim(7);
    if (!claimed) EXPECT_GT(claimed.error().retry_after_ms, 0u);
    return claimed.has_value();
  }));
  EXPECT_FALSE(held.lease->certainly_holds());
  a->cut_off(false);
  EXPECT_TRUE(subject.await([&] {
    const auto again = a->port().node_numbers().claim(7);
    return !again && again.error().code == Code::already_exists;
  }));
  EXPECT_FALSE(held.lease->certainly_holds());
}

constexpr Promise kPromises[] = {
    {"OfTwoClaimantsOneGetsAShard", of_two_claimants_one_gets_a_shard},
    {"AllShardsAtOnce", all_shards_at_once},
    {"AReleasedShardIsFreeAtOnce", a_released_shard_is_free_at_once},
    {"TakingOnesOwnAgainGivesANewGeneration", taking_ones_own_again_gives_a_new_generation},
    {"GenerationsGrowAndNobodyShares", generations_grow_and_nobody_shares},
    {"ALeaseEndsBeforeAnotherCanHaveIt", a_lease_ends_before_another_can_have_it},
    {"WhoComesBackInTimeHasLostNothing", who_comes_back_in_time_has_lost_nothing},
    {"LapsedThenRenewedOrLostIsToldInOrder", lapsed_then_renewed_or_lost_is_told_in_order},
    {"WithoutTheCoordinatorCallsAreUnavailable", without_the_coordinator_calls_are_unavailable},
    {"AWatchTellsWhoOwnsWhat", a_watch_tells_who_owns_what},
    {"ANodeNumberBelongsToOne", a_node_number_belongs_to_one},
    {"ALostNodeNumberIsFreeAfterItsLease", a_lost_node_number_is_free_after_its_lease},
};

}  // namespace

std::span<const Promise> lease_promises() { return kPromises; }

}  // namespace parley::test
