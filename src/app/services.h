#pragma once
#include <span>
#include <string_view>

#include "base/result.h"

namespace parley::app {

struct Process;

/// One row of the table of services: what `--list-targets` prints, and how a process gets one.
struct ServiceRow {
  std::string_view name;
  std::string_view needs;  // names of other rows, separated by spaces
  std::string_view store;  // of the embedded shape
  std::string_view does;
  Result<void> (*open)(Process&);  // its store
  Result<void> (*make)(Process&);  // the service itself
  void (*connect)(Process&);       // the stub of one that runs elsewhere
};
/// Those that others need come first.
std::span<const ServiceRow> services();

}  // namespace parley::app
