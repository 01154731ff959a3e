// What every stream promises (src/ports/stream.h).
#include "tests/contract/stream/promises.h"

#include <algorithm>
#include <atomic>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace parley::test {
namespace {

bool await(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + stream_patience;
  while (!condition())
    if (std::chrono::steady_clock::now() > end) return false;
  return true;
}

/// Publishes `count` records over `keys` keys, their values numbered from `first`; waits for the
/// answers.
void publish(StreamPublisher& publisher, int first, int count, int keys = 10) {
  std::atomic<int> answered = 0;
  for (int i = first; i < first + count; ++i) {
    const auto taken = publisher.publish(fmt::format("k{}", i % keys), fmt::format("{}", i),
                                         [&](const Result<StreamPlace>& place) {
                                           EXPECT_TRUE(place) << place.error().message;
                                           ++answered;
                                         });
    ASSERT_TRUE(taken) << taken.error().message;
  }
  EXPECT_TRUE(await([&] {
    std::this_thread::yield();
    return answered == count;
  }));
}

/// What was read, by value, with how often; checks the order within each key.
class Seen {
 public:
  void add(const StreamRecord& record) {
    const std::lock_guard lock(mutex_);
    ++times_[std::stoi(record.value)];
    auto& last = last_.try_emplace(record.key, -1).first->second;
    const int value = std::stoi(record.value);
    EXPECT_TRUE(value > last || may_repeat_)
        << "out of order in " << record.key << ": " << value << " after " << last;
    last = value;
  }
  int count() const {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(times_.size());
  }
  /// A consumer was told that its lanes had gone before it could commit.
  void may_repeat() {
    const std::lock_guard lock(mutex_);
    may_repeat_ = true;
  }
  int repeated() const {
    const std::lock_guard lock(mutex_);
    if (may_repeat_) return 0;
    return static_cast<int>(
        std::ranges::count_if(times_, [](auto& each) { return each.second > 1; }));
  }

 private:
  mutable std::mutex mutex_;
  std::map<int, int> times_;
  std::map<std::string, int> last_;
  bool may_repeat_ = false;
};

/// Reads until `count` different records were seen; says `passed` for each if asked.
void read_until(StreamConsumer& consumer, Seen& seen, int count, bool passes = true) {
  EXPECT_TRUE(await([&] {
    const auto records = consumer.read(100, 100ms);
    if (!records) return false;
    for (const auto& record : *records) {
      seen.add(record);
      if (passes) consumer.passed(record.place);
    }
    return seen.count() >= count;
  })) << seen.count();
}

std::uint64_t total(const std::vector<LaneLag>& lag) {
  std::uint64_t sum = 0;
  for (const auto& lane : lag) sum += lane.records;
  return sum;
}

void each_key_is_in_order_in_one_lane(StreamUnderTest& subject) {
  auto publisher = subject.publisher();
  std::mutex mutex;
  std::map<std::string, std::vector<StreamPlace>> answered;
  for (int i = 0; i < 500; ++i) {
    const auto key = fmt::format("k{}", i % 7);
    ASSERT_TRUE(publisher->publish(key, fmt::format("{}", i), [&, key](Result<StreamPlace> place) {
      const std::lock_guard lock(mutex);
      answered[key].push_back(place.value());
    }));
  }
  EXPECT_TRUE(await([&] { return publisher->waiting() == 0; }));
  auto consumer = subject.consumer("a");
  std::map<std::string, std::vector<StreamPlace>> read;
  int count = 0;
  EXPECT_TRUE(await([&] {
    const auto records = consumer->read(37, 100ms);
    if (!records) return false;
    EXPECT_LE(records->size(), 37u);
    for (const auto& record : *records) {
      const auto at = static_cast<int>(read[record.key].size());
      EXPECT_EQ(record.value, fmt::format("{}", std::stoi(record.key.substr(1)) + 7 * at));
      read[record.key].push_back(record.place);
      ++count;
    }
    return count >= 500;
  }));
  EXPECT_EQ(read, answered);
  for (const auto& [key, places] : read)
    for (std::size_t i = 1; i < places.size(); ++i) {
      EXPECT_EQ(places[i].lane, places[0].lane);
      EXPECT_GT(places[i].offset, places[i - 1].offset);
    }
}

void an_empty_stream_gives_an_empty_page(StreamUnderTest& subject) {
  auto consumer = subject.consumer("a");
  EXPECT_EQ(consumer->read(10, 1ms).value().size(), 0u);
}

void bytes_are_kept(StreamUnderTest& subject) {
  auto publisher = subject.publisher();
  const std::string bytes("\0\xff\n", 3);
  ASSERT_TRUE(publisher->publish("key", bytes, [](const Result<StreamPlace>&) {}));
  ASSERT_TRUE(publisher->publish("key", "", [](const Result<StreamPlace>&) {}));
  auto consumer = subject.consumer("a");
  std::vector<std::string> values;
  EXPECT_TRUE(await([&] {
    for (const auto& record : consumer->read(10, 100ms).value_or(std::vector<StreamRecord>{}))
      values.push_back(record.value);
    return values.size() == 2;
  }));
  EXPECT_EQ(values, (std::vector<std::string>{bytes, ""}));
}

void each_group_gets_everything(StreamUnderTest& subject) {
  publish(*subject.publisher(), 0, 100);
  for (const auto* group : {"a", "b"}) {
    auto consumer = subject.consumer(group);
    Seen seen;
    read_until(*consumer, seen, 100);
    EXPECT_EQ(seen.repeated(), 0);
  }
}

void what_was_not_passed_comes_again_and_nothing_else(StreamUnderTest& subject) {
  auto publisher = subject.publisher();
  publish(*publisher, 0, 100);
  {
    Seen seen;
    auto consumer = subject.consumer("a");
    read_until(*consumer, seen, 100);
    ASSERT_TRUE(consumer->commit());
    publish(*publisher, 100, 50);
    read_until(*consumer, seen, 150, false);
  }
  auto consumer = subject.consumer("a");
  Seen again;
  read_until(*consumer, again, 50);
  EXPECT_EQ(again.repeated(), 0);
  EXPECT_EQ(again.count(), 50);
  publish(*publisher, 150, 1);
  read_until(*consumer, again, 51);
  EXPECT_EQ(again.count(), 51);
}

void lag_is_what_is_not_passed(StreamUnderTest& subject) {
  auto publisher = subject.publisher();
  publish(*publisher, 0, 100);
  auto consumer = subject.consumer("a");
  Seen seen;
  read_until(*consumer, seen, 100, false);
  EXPECT_TRUE(await([&] {
    EXPECT_TRUE(consumer->read(1, 10ms));
    const auto lag = consumer->lag();
    return lag.size() == StreamUnderTest::kLanes && total(lag) == 100;
  }));
  Seen again;
  ASSERT_TRUE(consumer->commit());
  consumer.reset();
  consumer = subject.consumer("a");
  read_until(*consumer, again, 100, true);
  EXPECT_EQ(total(consumer->lag()), 0u);
}

void seek_reads_from_there_again(StreamUnderTest& subject) {
  auto publisher = subject.publisher();
  publish(*publisher, 0, 20, 1);
  auto consumer = subject.consumer("a");
  std::vector<StreamRecord> read;
  const auto more = [&](std::size_t count) {
    EXPECT_TRUE(await([&] {
      for (auto& record : consumer->read(100, 100ms).value_or(std::vector<StreamRecord>{}))
        read.push_back(std::move(record));
      return read.size() >= count;
    }));
  };
  more(20);
  const auto place = read.at(5).place;
  ASSERT_TRUE(consumer->seek(place));
  read.clear();
  more(15);
  ASSERT_EQ(read.size(), 15u);
  EXPECT_EQ(read.front().place, place);
  EXPECT_EQ(read.front().value, "5");
  EXPECT_EQ(consumer->seek({Lane(StreamUnderTest::kLanes), 0}).error().code, Code::not_found);
}

/// A consumer with a thread of its own, which has its effect on each record before it passes it.
class Worker {
 public:
  Worker(StreamUnderTest& subject, Seen& seen)
      : seen_(seen),
        consumer_(subject.consumer(
            "a", {[this](std::vector<Lane> lanes) { lanes_ += static_cast<int>(lanes.size()); },
                  [this](std::vector<Lane> lanes, bool too_late) {
                    lanes_ -= static_cast<int>(lanes.size());
                    if (too_late) seen_.may_repeat();
                  }})),
        thread_([this] {
          while (!stop_) {
            const auto records = consumer_->read(10, 50ms);
            if (!records) continue;
            for (const auto& record : *records) {
              seen_.add(record);
              ++read_;
              consumer_->passed(record.place);
            }
          }
          consumer_.reset();
        }) {}
  ~Worker() { stop(); }
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }
  int lanes() const { return lanes_; }
  int read() const { return read_; }

 private:
  Seen& seen_;
  std::atomic<bool> stop_ = false;
  std::atomic<int> lanes_ = 0;
  std::atomic<int> read_ = 0;
  std::unique_ptr<StreamConsumer> consumer_;
  std::thread thread_;
};

void consumers_come_and_go_and_each_record_is_read_once(StreamUnderTest& subject) {
  auto publisher = subject.publisher();
  Seen seen;
  std::atomic<bool> stop = false;
  std::atomic<int> published = 0;
  std::thread flow([&] {
    while (!stop) {
      publish(*publisher, published, 20);
      published += 20;
    }
  });
  {
    Worker first(subject, seen);
    EXPECT_TRUE(await([&] { return first.lanes() == 4 && first.read() > 100; }));
    Worker second(subject, seen);
    EXPECT_TRUE(await([&] { return first.lanes() == 2 && second.lanes() == 2; }));
    const int before = second.read();
    EXPECT_TRUE(await([&] { return second.read() > before + 100; }));
    first.stop();
    EXPECT_TRUE(await([&] { return second.lanes() == 4; }));
    stop = true;
    flow.join();
    EXPECT_TRUE(await([&] { return seen.count() >= published; }));
  }
  EXPECT_EQ(seen.count(), published);
  EXPECT_EQ(seen.repeated(), 0);
}

// Effects that end later, on another thread: those in flight when a lane goes are waited for.
void what_is_in_flight_is_finished_before_a_lane_goes(StreamUnderTest& subject) {
  auto publisher = subject.publisher();
  publish(*publisher, 0, 100);
  Seen seen;
  std::vector<StreamPlace> in_flight;
  int asked = 0;
  std::unique_ptr<StreamConsumer> first;
  first = subject.consumer("a", {[](std::vector<Lane>) {},
                                 [&](std::vector<Lane> lanes, bool) {
                                   ++asked;
                                   for (const auto& place : in_flight)
                                     if (std::ranges::find(lanes, place.lane) != lanes.end())
                                       first->passed(place);
                                 }});
  EXPECT_TRUE(await([&] {
    for (const auto& record : first->read(100, 100ms).value_or(std::vector<StreamRecord>{})) {
      seen.add(record);
      in_flight.push_back(record.place);
    }
    return seen.count() == 100;
  }));
  Seen others;
  auto second = subject.consumer("a");
  EXPECT_TRUE(await([&] {
    EXPECT_EQ(first->read(1, 10ms).value_or(std::vector<StreamRecord>{}).size(), 0u);
    for (const auto& record : second->read(100, 10ms).value_or(std::vector<StreamRecord>{}))
      others.add(record);
    return asked > 0 && !second->lag().empty();
  }));
  publish(*publisher, 100, 40);
  EXPECT_TRUE(await([&] {
    for (auto* consumer : {first.get(), second.get()})
      for (const auto& record : consumer->read(100, 10ms).value_or(std::vector<StreamRecord>{}))
        others.add(record);
    return others.count() >= 40;
  }));
  EXPECT_EQ(others.count(), 40);  // nothing of the hundred came again
  in_flight.clear();
}

constexpr Promise kPromises[] = {
    {"EachKeyIsInOrderInOneLane", each_key_is_in_order_in_one_lane},
    {"AnEmptyStreamGivesAnEmptyPage", an_empty_stream_gives_an_empty_page},
    {"BytesAreKept", bytes_are_kept},
    {"EachGroupGetsEverything", each_group_gets_everything},
    {"WhatWasNotPassedComesAgainAndNothingElse", what_was_not_passed_comes_again_and_nothing_else},
    {"LagIsWhatIsNotPassed", lag_is_what_is_not_passed},
    {"SeekReadsFromThereAgain", seek_reads_from_there_again},
    {"ConsumersComeAndGoAndEachRecordIsReadOnce",
     consumers_come_and_go_and_each_record_is_read_once},
    {"WhatIsInFlightIsFinishedBeforeALaneGoes", what_is_in_flight_is_finished_before_a_lane_goes},
};

}  // namespace

std::span<const Promise> stream_promises() { return kPromises; }

}  // namespace parley::test
