#pragma once
#include <algorithm>
#include <array>

#include "base/metrics.h"
#include "base/result.h"

namespace parley::message {

/// What was not stored, by why: commits, and sends for which there was no room. Any thread.
class Refusals {
 public:
  explicit Refusals(Metrics& metrics) : other_(metric(metrics, "other")) {
    for (auto& [code, metric_of] : by_code_) metric_of = &metric(metrics, describe(code).name);
  }
  void add(Code code) {
    const auto at = std::ranges::find(by_code_, code, &Row::first);
    (at == by_code_.end() ? other_ : *at->second).add();
  }

 private:
  using Row = std::pair<Code, Metric*>;
  static Metric& metric(Metrics& metrics, std::string_view code) {
    return metrics.counter("parley_commits_refused_total",
                           "Commits that the store refused, and sends for which there was no room",
                           {{"code", std::string(code)}});
  }
  Metric& other_;
  std::array<Row, 5> by_code_{{{Code::busy, nullptr},
                               {Code::unavailable, nullptr},
                               {Code::storage_full, nullptr},
                               {Code::timed_out, nullptr},
                               {Code::stale_generation, nullptr}}};
};

}  // namespace parley::message
