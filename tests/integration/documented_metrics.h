#pragma once
#include <set>
#include <string>

namespace parley::testing {

/// Families of metrics, each as `name kind label,label`.
struct Families {
  std::set<std::string> always;   // there must be these,
  std::set<std::string> perhaps;  // and may be those
};

/// What docs/metrics.md says that the processes of this run's shape have, all together.
Families documented_metrics();

/// What `text`, in Prometheus' format, says.
std::set<std::string> families_in(const std::string& text);

}  // namespace parley::testing
