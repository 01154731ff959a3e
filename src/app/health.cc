#include "app/health.h"

#include <algorithm>
#include <condition_variable>
#include <fmt/format.h>
#include <random>

#include "base/log.h"
#include "base/thread.h"

namespace parley::app {
namespace {

/// Adapters begin with what a line about the server has said already.
std::string without_address(std::string_view why, const std::string& server,
                            const std::string& where) {
  const auto address = fmt::format("{} at {}", server, where);
  if (why.starts_with(address)) why.remove_prefix(address.size());
  why.remove_prefix(std::min(why.find_first_not_of(" ,:"), why.size()));
  return std::string(why);
}

std::chrono::seconds age(std::chrono::steady_clock::time_point since) {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - since);
}

}  // namespace

bool Health::comes_back(Code code) {
  return code == Code::unavailable || code == Code::busy || code == Code::timed_out;
}

/// Shortened by a random part, so that those who miss the same server do not come back together.
bool Health::rest(std::chrono::milliseconds pause, const std::stop_token& stop) {
  static thread_local std::minstd_rand random(std::random_device{}());
  pause -= std::chrono::milliseconds(
      std::uniform_int_distribution<int>(0, static_cast<int>(pause.count()) / 4)(random));
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, pause, [] { return false; });
  return !stop.stop_requested();
}

Health::Row& Health::row_of(const std::string& server, const std::string& where) {
  const std::lock_guard lock(mutex_);
  for (auto& row : rows_)
    if (row.server == server) return row;
  auto name = server;
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  auto& up = metrics_.gauge(fmt::format("parley_{}_up", name),
                            fmt::format("Whether {} answers this process", server));
  return rows_.emplace_back(server, where, up, Missing{std::chrono::steady_clock::now(), {}});
}

void Health::tell(Row& row, const Error* error, Time asked) {
  const std::lock_guard lock(mutex_);
  row.up.set(error ? 0 : 1);
  if (!error) {
    if (row.missing && !row.missing->why.empty())
      log::warn("servers", "event=back server={} address={} missing_s={}", row.server, row.where,
                age(row.missing->since).count());
    row.missing.reset();
    return;
  }
  const auto why = without_address(error->message, row.server, row.where);
  if (!row.missing) row.missing = Missing{asked, {}};
  if (row.missing->why == why) return;
  row.missing->why = why;
  log::warn("servers", "event=missing server={} address={} missing_s={} reason=\"{}\"", row.server,
            row.where, age(row.missing->since).count(), why);
}

void Health::watch(const std::string& server, const std::string& where, Ask ask) {
  auto& row = row_of(server, where);
  if (row.thread.joinable()) return;
  row.thread = std::jthread([this, &row, ask = std::move(ask)](const std::stop_token& stop) {
    name_thread("health");
    ask_on(row, ask, stop);
  });
}

void Health::ask_on(Row& row, const Ask& ask, const std::stop_token& stop) {
  bool there = [&] {
    const std::lock_guard lock(mutex_);
    return !row.missing;
  }();
  for (auto pause = there ? kEvery : kFirstPause; rest(pause, stop);) {
    const auto asked = std::chrono::steady_clock::now();
    const auto answer = ask();
    tell(row, answer ? nullptr : &answer.error(), asked);
    const bool was_there = std::exchange(there, answer.has_value());
    pause = there ? kEvery : was_there ? kFirstPause : longer(pause);
  }
}

void Health::stop() {
  for (auto& row : rows_) row.thread.request_stop();
  for (auto& row : rows_)
    if (row.thread.joinable()) row.thread.join();
}

std::string Health::missing() const {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& row : rows_)
    if (row.missing)
      out += fmt::format("{} at {} is missing since {} s: {}\n", row.server, row.where,
                         age(row.missing->since).count(),
                         row.missing->why.empty() ? "no answer yet" : row.missing->why);
  return out;
}

}  // namespace parley::app
