#include "services/presence/last_seen_book.h"

#include <algorithm>
#include <utility>

namespace parley::presence {

void LastSeenBook::merge(Times& times, UserId user, TimeMs at) {
  auto& stored = times[user];
  stored = std::max(stored, at);
}

void LastSeenBook::seen(UserId user, TimeMs at) { merge(unwritten_, user, at); }

void LastSeenBook::remember(UserId user, TimeMs at) {
  if (const auto known = old_.find(user); known != old_.end()) at = std::max(at, known->second);
  merge(young_, user, at);
  if (young_.size() * 2 > max_cached_) old_ = std::exchange(young_, {});
}

std::optional<TimeMs> LastSeenBook::find(UserId user) const {
  for (const auto* times : {&unwritten_, &writing_, &young_, &old_})
    if (const auto at = times->find(user); at != times->end()) return at->second;
  return std::nullopt;
}

std::vector<LastSeen> LastSeenBook::take() {
  std::vector<LastSeen> rows;
  rows.reserve(unwritten_.size());
  for (const auto& [user, at] : unwritten_) {
    rows.push_back({user, at});
    merge(writing_, user, at);
  }
  unwritten_.clear();
  return rows;
}

void LastSeenBook::written() {
  for (const auto& [user, at] : std::exchange(writing_, {})) remember(user, at);
}

bool LastSeenBook::not_written() {
  const auto failed = std::exchange(writing_, {});
  if (unwritten_.size() + failed.size() > max_unwritten_) return false;
  for (const auto& [user, at] : failed) merge(unwritten_, user, at);
  return true;
}

}  // namespace parley::presence
