#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <string>

#include "checker/checker.h"
#include "histogram.h"

namespace parley::load {

enum class Counter : std::uint8_t {
  sessions,
  sent,  // put on a wire, retries not counted
  acknowledged,
  resent,
  acknowledged_in_time,  // within the measured seconds, like the next two
  delivered_in_time,     // new to one of the receiver's devices
  confirmed_in_time,     // the sender was told that the receiver has it
  resumes,
  repeats,  // entries that came to a device twice
  holes_fetched,
  gaps_fetched,
  reads,
  drops,
  reconnects,
  retryable_errors,
  sends_refused,  // answers to sends that were an error, each time one is
  history_entries,
  views,
  group_sends,  // acknowledged in groups
  group_receipts,
  typing_sent,
  typing_told,
  presence_asked,
  presence_told,
  count_
};
inline constexpr std::array<std::string_view, static_cast<std::size_t>(Counter::count_)>
    kCounterNames{"sessions",
                  "sent",
                  "acknowledged",
                  "resent",
                  "acknowledged_in_time",
                  "delivered_in_time",
                  "confirmed_in_time",
                  "resumes",
                  "repeats",
                  "holes_fetched",
                  "gaps_fetched",
                  "reads",
                  "drops",
                  "reconnects",
                  "retryable_errors",
                  "sends_refused",
                  "history_entries",
                  "views",
                  "group_sends",
                  "group_receipts",
                  "typing_sent",
                  "typing_told",
                  "presence_asked",
                  "presence_told"};

/// What one process found; several are merged into one.
struct Result {
  std::array<std::uint64_t, kCounterNames.size()> counters{};
  Histogram acknowledgement;  // from the intended time of a send to its acknowledgement
  Histogram delivery;         // to its arrival at each of the receiver's devices
  Histogram everywhere;       // of a send in a group, to its arrival at the last device
  Histogram resume;           // from connecting to the end of the backlog
  Histogram away;             // of a client: from the loss of its connection to being back
  double seconds = 0;         // measured
  double cpu_seconds = 0;     // of the load itself in that time
  double prove_seconds = 0;   // what reading and comparing the histories took
  std::string limits;         // what the server announced
  std::map<std::string, std::uint64_t> errors;  // by code
  std::vector<Interruption> interruptions;
  Faults faults;

  std::uint64_t& operator[](Counter counter) { return counters[static_cast<std::size_t>(counter)]; }
  std::uint64_t operator[](Counter counter) const {
    return counters[static_cast<std::size_t>(counter)];
  }
  void merge(const Result& other);

  /// As text, to travel from a process to its parent.
  std::string pack() const;
  static Result unpack(const std::string& text);
};

}  // namespace parley::load
