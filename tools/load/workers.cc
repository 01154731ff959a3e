#include "workers.h"

#include <array>
#include <cstdio>
#include <fmt/format.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace parley::load {
namespace {

struct Worker {
  pid_t pid = 0;
  int from = -1;  // first a byte at the barrier, then its result
  int to = -1;    // a byte lets it pass the barrier
};

void check(bool ok, const char* what) {
  if (!ok) throw std::runtime_error(fmt::format("{} failed", what));
}

[[noreturn]] void be_worker(std::size_t number, const Work& work, int to_parent, int from_parent) {
  int code = 1;
  try {
    const Result result = work(number, [&] {
      char byte = 'b';
      check(write(to_parent, &byte, 1) == 1 && read(from_parent, &byte, 1) == 1, "the barrier");
    });
    const std::string text = result.pack();
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t n = write(to_parent, text.data() + at, text.size() - at);
      check(n > 0, "handing over the result");
      at += static_cast<std::size_t>(n);
    }
    code = 0;
  } catch (const std::exception& error) {
    fmt::print(stderr, "parley-load: process {}: {}\n", number, error.what());
  }
  std::fflush(nullptr);
  _exit(code);
}

Worker start(std::size_t number, const Work& work) {
  std::array<int, 2> up{};
  std::array<int, 2> down{};
  check(pipe(up.data()) == 0 && pipe(down.data()) == 0, "pipe");
  std::fflush(nullptr);
  const pid_t pid = fork();
  check(pid >= 0, "fork");
  if (pid == 0) {
    close(up[0]);
    close(down[1]);
    be_worker(number, work, up[1], down[0]);
  }
  close(up[1]);
  close(down[0]);
  return {.pid = pid, .from = up[0], .to = down[1]};
}

}  // namespace

Result run_in_processes(std::size_t processes, const Work& work) {
  if (processes == 1) return work(0, [] {});
  std::vector<Worker> workers;
  for (std::size_t i = 0; i < processes; ++i) workers.push_back(start(i, work));
  char byte = 0;
  bool failed = false;
  for (const Worker& worker : workers) failed |= read(worker.from, &byte, 1) != 1;
  // After a failure nobody is let through: the barrier's end of file ends the others.
  for (Worker& worker : workers) {
    if (!failed) failed |= write(worker.to, "g", 1) != 1;
    close(worker.to);
  }
  Result sum;
  for (const Worker& worker : workers) {
    std::string text;
    std::array<char, 65536> buffer;
    for (ssize_t n = 0; (n = read(worker.from, buffer.data(), buffer.size())) > 0;)
      text.append(buffer.data(), static_cast<std::size_t>(n));
    close(worker.from);
    int status = 0;
    waitpid(worker.pid, &status, 0);
    if (failed || status != 0)
      failed = true;
    else
      sum.merge(Result::unpack(text));
  }
  if (failed) throw std::runtime_error("a process of the load failed");
  return sum;
}

}  // namespace parley::load
