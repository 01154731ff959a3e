// What a durable commit costs in the conversation store: entries and groups (syncs) per second, and
// microseconds of CPU per entry, beside a floor of pwrite (4 KiB) and fdatasync on the same disk,
// measured in turns. store_commit FOLDER SECONDS: makes and removes FOLDER/store_commit, prints one
// line of JSON per load, medians of five. An entry is 128 bytes of text, two inbox rows, one mark.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <mutex>
#include <sys/resource.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "adapters/conversation_store/rocksdb/rocksdb_conversation_store.h"
#include "base/check.h"

namespace parley {
namespace {

using Clock = std::chrono::steady_clock;
using conversation_log::LogFile;
using conversation_log::LogFiles;

constexpr int kTurns = 5;

double cpu_seconds(int who) {
  rusage usage{};
  PARLEY_CHECK(::getrusage(who, &usage) == 0, "getrusage");
  const auto of = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return of(usage.ru_utime) + of(usage.ru_stime);
}
double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}
double median(std::array<double, kTurns> values) {
  std::ranges::sort(values);
  return values[kTurns / 2];
}

/// This machine's files; counts the log's syncs.
class CountingFile final : public LogFile {
 public:
  CountingFile(std::unique_ptr<LogFile> file, std::atomic<std::uint64_t>& syncs)
      : file_(std::move(file)), syncs_(syncs) {}
  Result<void> write(std::uint64_t offset, std::string_view bytes) override {
    return file_->write(offset, bytes);
  }
  Result<void> sync() override {
    ++syncs_;
    return file_->sync();
  }
  Result<std::size_t> read(std::uint64_t offset, std::span<char> into) override {
    return file_->read(offset, into);
  }
  Result<std::uint64_t> size() override { return file_->size(); }
  Result<bool> linked() override { return file_->linked(); }

 private:
  std::unique_ptr<LogFile> file_;
  std::atomic<std::uint64_t>& syncs_;
};
class CountingFiles final : public LogFiles {
 public:
  Result<std::unique_ptr<LogFile>> open(const std::string& path) override {
    return counting(files_->open(path));
  }
  Result<std::unique_ptr<LogFile>> create(const std::string& path, std::uint64_t size) override {
    return counting(files_->create(path, size));
  }
  Result<void> reserve(const std::string& path, std::uint64_t size) override {
    return files_->reserve(path, size);
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    return files_->rename(from, to);
  }
  Result<void> link(const std::string& from, const std::string& to) override {
    return files_->link(from, to);
  }
  Result<void> remove(const std::string& path) override { return files_->remove(path); }
  Result<std::vector<std::string>> list(const std::string& folder) override {
    return files_->list(folder);
  }
  Result<bool> exists(const std::string& path) override { return files_->exists(path); }
  Result<void> make_directory(const std::string& path) override {
    return files_->make_directory(path);
  }
  Result<void> sync_directory(const std::string& path) override {
    return files_->sync_directory(path);
  }
  Result<std::shared_ptr<void>> lock(const std::string& path) override {
    return files_->lock(path);
  }
  std::atomic<std::uint64_t> syncs{0};

 private:
  Result<std::unique_ptr<LogFile>> counting(Result<std::unique_ptr<LogFile>> file) {
    if (!file) return file;
    return std::make_unique<CountingFile>(std::move(*file), syncs);
  }
  std::shared_ptr<LogFiles> files_ = conversation_log::posix_log_files();
};

/// Synced writes per second, one after the other.
double floor_per_second(const std::string& path, double seconds) {
  constexpr std::size_t kBlock = 4096, kBlocks = 2048;
  const std::string block(kBlock, 'x');
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  PARLEY_CHECK(file >= 0, path);
  for (std::size_t i = 0; i < kBlocks; ++i)
    PARLEY_CHECK(::pwrite(file, block.data(), kBlock, static_cast<off_t>(i * kBlock)) == kBlock,
                 "pwrite");
  PARLEY_CHECK(::fsync(file) == 0, "fsync");
  const auto start = Clock::now();
  std::uint64_t n = 0;
  for (; seconds_since(start) < seconds; ++n) {
    PARLEY_CHECK(
        ::pwrite(file, block.data(), kBlock, static_cast<off_t>(n % kBlocks * kBlock)) == kBlock,
        "pwrite");
    PARLEY_CHECK(::fdatasync(file) == 0, "fdatasync");
  }
  const double rate = static_cast<double>(n) / seconds_since(start);
  ::close(file);
  return rate;
}

struct Load {
  const char* name;
  std::size_t in_flight;      // commits of one entry each
  std::size_t conversations;  // they go round all of them
};

/// Keeps `in_flight` commits waiting, each in a conversation of its own.
class Driver {
 public:
  Driver(RocksdbConversationStore& store, const Load& load)
      : store_(store), load_(load), heads_(load.conversations) {}

  std::uint64_t run(double seconds) {
    const auto start = Clock::now();
    std::uint64_t entries = 0;
    std::size_t in_flight = 0;
    for (bool more = true; more || in_flight > 0;) {
      for (; more && in_flight < load_.in_flight; ++in_flight, ++entries) commit();
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return answered_ > 0; });
      in_flight -= std::exchange(answered_, 0);
      more = seconds_since(start) < seconds;
    }
    return entries;
  }

 private:
  void commit() {
    // In turn: one that comes again was answered long since.
    const auto place = next_++ % load_.conversations;
    const UserId one(1 + place), other(1'000'000 + place);
    auto entry = std::make_shared<Entry>();
    entry->conversation = ConversationId::direct(one, other);
    entry->seq = Seq(++heads_[place]);
    entry->id = MessageId(next_);
    entry->sender = one;
    entry->device = DeviceId(one.value);
    entry->time = TimeMs(static_cast<std::int64_t>(next_));
    entry->client_message_id = fmt::format("01890a5d-ac96-774b-bcce-{:012x}", next_);
    entry->body.assign(128, 'x');
    entry->countable = entry->seq.value;
    const MarkChange mark{entry->conversation, one, {entry->seq, entry->seq, entry->countable}};
    std::vector<Append> group;
    group.push_back({entry->conversation, {entry}, {one, other}, false, {mark}});
    store_.commit(store_.info().generation, entry->time, std::move(group),
                  [this](const Result<std::uint64_t>& answer) {
                    PARLEY_CHECK(answer, answer ? "" : answer.error().message);
                    const std::lock_guard lock(mutex_);
                    if (++answered_ == 1) wake_.notify_one();
                  });
  }

  RocksdbConversationStore& store_;
  const Load load_;
  std::vector<std::uint64_t> heads_;
  std::uint64_t next_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::size_t answered_ = 0;
};

void measure(const std::string& folder, const Load& load, double seconds) {
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  auto files = std::make_shared<CountingFiles>();
  RocksdbConversationStoreSettings settings;
  settings.files = files;
  const auto store = RocksdbConversationStore::open(folder + "/store", settings);
  PARLEY_CHECK(store, store ? "" : store.error().message);
  Driver driver(**store, load);
  std::array<double, kTurns> entries{}, groups{}, store_us{}, all_us{}, floors{};
  for (std::size_t turn = 0; turn < kTurns; ++turn) {
    floors[turn] = floor_per_second(folder + "/floor", seconds / 4);
    const auto start = Clock::now();
    const auto syncs = files->syncs.load();
    const double all = cpu_seconds(RUSAGE_SELF), own = cpu_seconds(RUSAGE_THREAD);
    const auto n = static_cast<double>(driver.run(seconds));
    const double took = seconds_since(start);
    const double all_cpu = cpu_seconds(RUSAGE_SELF) - all;
    entries[turn] = n / took;
    groups[turn] = static_cast<double>(files->syncs.load() - syncs) / took;
    all_us[turn] = all_cpu / n * 1e6;
    store_us[turn] = (all_cpu - (cpu_seconds(RUSAGE_THREAD) - own)) / n * 1e6;
  }
  fmt::print(
      "{{\"load\":\"{}\",\"in_flight\":{},\"conversations\":{},\"entries_per_second\":{:.0f},"
      "\"groups_per_second\":{:.0f},\"floor_syncs_per_second\":{:.0f},\"groups_to_floor\":{:.2f},"
      "\"store_cpu_us_per_entry\":{:.2f},\"all_cpu_us_per_entry\":{:.2f}}}\n",
      load.name, load.in_flight, load.conversations, median(entries), median(groups),
      median(floors), median(groups) / median(floors), median(store_us), median(all_us));
  std::fflush(stdout);
}

}  // namespace
}  // namespace parley

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: store_commit FOLDER SECONDS\n", stderr);
    return 2;
  }
  struct statfs where{};
  PARLEY_CHECK(::statfs(argv[1], &where) == 0, argv[1]);
  if (where.f_type == 0x01021994) {
    std::fputs("store_commit: the folder is in memory (tmpfs), where a sync costs nothing\n",
               stderr);
    return 1;
  }
  const auto folder = std::filesystem::absolute(argv[1]).string() + "/store_commit";
  for (const parley::Load load : {parley::Load{"64x1", 64, 64}, parley::Load{"64x16", 1'024, 1'024},
                                  parley::Load{"64k", 1'024, 64'000}})
    parley::measure(folder, load, std::atof(argv[2]));
  std::filesystem::remove_all(folder);
}
