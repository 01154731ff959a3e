// What a durable write costs at a rate: pwrite of 4 KiB and fdatasync on a preallocated and
// zero-filled file. Open loop: one write is meant to begin every 1/RATE s, and its latency counts
// from then, so that a machine that stands still shows in all that it kept waiting; `write_` is
// what the calls alone took. fsync_floor FILE SECONDS RATE: prints one line of JSON.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace {

constexpr std::size_t kBlock = 4096;
constexpr std::size_t kBlocks = 4096;

void check(bool ok, const char* what) {
  if (ok) return;
  std::perror(what);
  std::exit(1);
}

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

/// The value that `part` of them do not exceed, in ms.
double quantile(const std::vector<Clock::duration>& sorted, double part) {
  const auto at = static_cast<std::size_t>(part * static_cast<double>(sorted.size() - 1));
  return 1e3 * Seconds(sorted[at]).count();
}

}  // namespace

int main(int argc, char** argv) {
  check(argc == 4, "usage: fsync_floor FILE SECONDS RATE");
  const double seconds = std::atof(argv[2]), rate = std::atof(argv[3]);
  check(seconds > 0 && rate > 0, "SECONDS and RATE");
  const int file = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
  check(file >= 0, argv[1]);
  std::array<char, kBlock> block{};
  for (std::size_t i = 0; i < kBlocks; ++i)
    check(write(file, block.data(), kBlock) == kBlock, "write");
  check(fsync(file) == 0, "fsync");

  std::vector<Clock::duration> latencies, writes;
  const auto start = Clock::now();
  const auto every = std::chrono::duration_cast<Clock::duration>(Seconds(1 / rate));
  const auto end = start + std::chrono::duration_cast<Clock::duration>(Seconds(seconds));
  for (auto intended = start; intended < end; intended += every) {
    std::this_thread::sleep_until(intended);
    block[0] = static_cast<char>(writes.size());
    const auto place = static_cast<off_t>(writes.size() % kBlocks * kBlock);
    const auto begun = Clock::now();
    check(pwrite(file, block.data(), kBlock, place) == kBlock, "pwrite");
    check(fdatasync(file) == 0, "fdatasync");
    const auto done = Clock::now();
    latencies.push_back(done - intended);
    writes.push_back(done - begun);
  }
  const double took = Seconds(Clock::now() - start).count();
  close(file);
  unlink(argv[1]);
  std::sort(latencies.begin(), latencies.end());
  std::sort(writes.begin(), writes.end());
  std::printf(
      "{\"n\":%zu,\"per_second\":%.1f,\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"max_ms\":%.4f,"
      "\"write_p50_ms\":%.4f,\"write_p99_ms\":%.4f}\n",
      writes.size(), static_cast<double>(writes.size()) / took, quantile(latencies, 0.5),
      quantile(latencies, 0.99), quantile(latencies, 1), quantile(writes, 0.5),
      quantile(writes, 0.99));
}
