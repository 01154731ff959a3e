// What one durable write costs: pwrite of 4 KiB and fdatasync, over and over, on a preallocated and
// zero-filled file. fsync_floor FILE SECONDS: prints one line of JSON.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
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

double ms(std::chrono::nanoseconds time) { return static_cast<double>(time.count()) / 1e6; }

}  // namespace

int main(int argc, char** argv) {
  check(argc == 3, "usage: fsync_floor FILE SECONDS");
  using Clock = std::chrono::steady_clock;
  const int file = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
  check(file >= 0, argv[1]);
  std::array<char, kBlock> block{};
  for (std::size_t i = 0; i < kBlocks; ++i)
    check(write(file, block.data(), kBlock) == kBlock, "write");
  check(fsync(file) == 0, "fsync");

  std::vector<std::chrono::nanoseconds> times;
  const auto start = Clock::now();
  const auto until = start + std::chrono::duration<double>(std::atof(argv[2]));
  for (auto at = start; at < until;) {
    block[0] = static_cast<char>(times.size());
    check(pwrite(file, block.data(), kBlock, static_cast<off_t>(times.size() % kBlocks * kBlock)) ==
              kBlock,
          "pwrite");
    check(fdatasync(file) == 0, "fdatasync");
    const auto end = Clock::now();
    times.push_back(end - at);
    at = end;
  }
  close(file);
  unlink(argv[1]);
  std::sort(times.begin(), times.end());
  const auto at = [&](double part) {
    return ms(times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))]);
  };
  std::printf("{\"n\":%zu,\"per_second\":%.1f,\"p50_ms\":%.4f,\"p99_ms\":%.4f,\"max_ms\":%.4f}\n",
              times.size(), static_cast<double>(times.size()) / (ms(Clock::now() - start) / 1e3),
              at(0.5), at(0.99), at(1));
}
