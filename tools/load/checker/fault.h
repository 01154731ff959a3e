#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace parley::load {

/// What may be wrong with what a server did.
enum class FaultKind : std::uint8_t {
  lost,          // acknowledged, and not in the history where the acknowledgement said
  doubled,       // one client_message_id under two seqs
  reordered,     // acknowledged before another was sent, and yet with the higher seq
  two_contents,  // two contents under one seq
  altered,       // not what its sender sent, or stored though it was refused
  foreign,       // an entry that nobody sent
  not_dense,     // a seq that is skipped, or a message_id that does not rise
  disagree,      // members read different logs
  missing,       // a device never got it, although it is in the history
  vanished,      // a device got it, and it is not in the history
  untrue,        // somebody shown as absent, or as typing, who was not; or told to who may not know
  unread,        // a wrong unread count or mark
  unconfirmed,   // the sender was never told of a delivery
  unanswered,    // a request without an answer
  refused,       // a request that was in order and was refused for good
  disconnected,  // a connection that the server ended
};
inline constexpr std::array<std::string_view, 16> kFaultNames{
    "lost",        "doubled",    "reordered", "two_contents", "altered", "foreign",
    "not_dense",   "disagree",   "missing",   "vanished",     "untrue",  "unread",
    "unconfirmed", "unanswered", "refused",   "disconnected"};

struct Fault {
  FaultKind kind;
  std::string text;  // names the entries
};

/// Counts every fault and keeps the first few of each kind.
class Faults {
 public:
  static constexpr std::size_t kKept = 20;

  void add(FaultKind kind, std::string text) {
    if (++counts_[static_cast<std::size_t>(kind)] <= kKept)
      kept_.push_back({kind, std::move(text)});
  }

  void add_count(FaultKind kind, std::uint64_t n) { counts_[static_cast<std::size_t>(kind)] += n; }
  void keep(Fault fault) { kept_.push_back(std::move(fault)); }
  void merge(const Faults& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    kept_.insert(kept_.end(), other.kept_.begin(), other.kept_.end());
  }

  std::uint64_t count(FaultKind kind) const { return counts_[static_cast<std::size_t>(kind)]; }
  std::uint64_t total() const {
    std::uint64_t sum = 0;
    for (const auto n : counts_) sum += n;
    return sum;
  }
  const std::vector<Fault>& kept() const { return kept_; }

 private:
  std::array<std::uint64_t, kFaultNames.size()> counts_{};
  std::vector<Fault> kept_;
};

}  // namespace parley::load
