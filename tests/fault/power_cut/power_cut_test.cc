// Everything that was answered is there after a power cut, once, in order and whole; what vanished
// never comes back.
#include <cstdlib>
#include <fstream>
#include <gtest/gtest.h>
#include <random>

#include "tests/fault/power_cut/rounds.h"

namespace parley::test {
namespace {

/// Those of the list; with PARLEY_TEST_SEED, as many fresh ones.
std::vector<std::uint64_t> seeds() {
  std::vector<std::uint64_t> seeds;
  std::ifstream list(PARLEY_SEEDS);
  for (std::string line; std::getline(list, line);)
    if (!line.empty() && line.front() != '#') seeds.push_back(std::stoull(line));
  if (const char* fresh = std::getenv("PARLEY_TEST_SEED")) {
    std::mt19937_64 random(std::stoull(fresh));
    for (auto& seed : seeds) seed = random() % 1'000'000'000;
  }
  return seeds;
}

TEST(PowerCut, WhatWasAnsweredIsThereOnceInOrderAndWhatVanishedStaysAway) {
  const auto list = seeds();
  ASSERT_GE(list.size(), 50U);
  Outcome all;
  for (const auto seed : list) {
    const auto outcome = play(seed, {});
    for (const auto& wrong : outcome.wrong) ADD_FAILURE() << "seed " << seed << ": " << wrong;
    all.calls += outcome.calls;
    all.answered += outcome.answered;
    all.vanished += outcome.vanished;
    all.gone += outcome.gone;
    all.while_opening += outcome.while_opening;
    all.while_working += outcome.while_working;
  }
  std::printf(
      "%zu seeds: %zu failures while opening, %zu while working; %zu commits, %zu of them "
      "answered; %zu entries vanished; %llu rows of feeds were trimmed\n",
      list.size(), all.while_opening, all.while_working, all.calls, all.answered, all.vanished,
      static_cast<unsigned long long>(all.gone));
  // Else the rounds are drawn badly.
  EXPECT_GT(all.while_opening, 0U);
  EXPECT_GT(all.while_working, list.size() / 2);
  EXPECT_GT(all.answered, 10 * list.size());
  EXPECT_GT(all.vanished, 0U);
  EXPECT_GT(all.gone, list.size());
}

/// Whether one of the listed runs finds that some syncs do nothing.
bool is_found(Honest honest) {
  for (const auto seed : seeds())
    if (const auto outcome = play(seed, honest); !outcome.wrong.empty()) {
      std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed),
                  outcome.wrong.front().c_str());
      return true;
    }
  return false;
}

TEST(PowerCut, IsFoundToFailWhenTheLogIsNotSynced) {
  EXPECT_TRUE(is_found({.log = false, .tables = true, .names = true}));
}
TEST(PowerCut, IsFoundToFailWhenTheTablesAreNotSynced) {
  EXPECT_TRUE(is_found({.log = true, .tables = false, .names = true}));
}
TEST(PowerCut, IsFoundToFailWhenTheFoldersAreNotSynced) {
  EXPECT_TRUE(is_found({.log = true, .tables = true, .names = false}));
}
TEST(PowerCut, IsFoundToFailWhenNothingIsSynced) {
  EXPECT_TRUE(is_found({.log = false, .tables = false, .names = false}));
}

}  // namespace
}  // namespace parley::test
