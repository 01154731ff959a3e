#include "app/progress.h"

#include <algorithm>
#include <fmt/format.h>
#include <unistd.h>

namespace parley::app {

using namespace std::chrono_literals;

std::string grouped(std::uint64_t number) {
  auto out = std::to_string(number);
  for (auto at = out.size(); at > 3;) out.insert(at -= 3, 1, ',');
  return out;
}

Progress::Progress(std::string what, std::uint64_t total, std::uint64_t done)
    : what_(std::move(what)),
      total_(total),
      before_(done),
      terminal_(isatty(STDERR_FILENO) != 0),
      done_(done) {}

double Progress::rate() const {
  return static_cast<double>(here()) / std::max(took().count(), 1e-3);
}

void Progress::at(std::uint64_t done) {
  done_ = done;
  const auto now = Clock::now();
  if (now - printed_ < (terminal_ ? 200ms : 1s)) return;
  printed_ = now;
  print(false);
}

void Progress::end() { print(true); }

void Progress::print(bool last) {
  auto line = fmt::format("{}: {}", what_, grouped(done_));
  if (total_ > 0) line += fmt::format(" of {}", grouped(std::max(total_, done_)));
  if (here() > 0) line += fmt::format(", {}/s", grouped(static_cast<std::uint64_t>(rate())));
  if (!last && here() > 0 && total_ > done_) {
    const auto left = static_cast<std::uint64_t>(static_cast<double>(total_ - done_) / rate()) + 1;
    line += left < 120 ? fmt::format(", {} s left", left) : fmt::format(", {} min left", left / 60);
  }
  if (terminal_)
    fmt::print(stderr, "\r{:<78}{}", line, last ? "\n" : "");
  else
    fmt::print(stderr, "{}\n", line);
}

}  // namespace parley::app
