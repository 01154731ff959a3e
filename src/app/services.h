#pragma once
#include <span>
#include <string_view>

namespace parley::app {

/// One row of the table of services: what `--list-targets` prints.
struct ServiceRow {
  std::string_view name;
  std::string_view needs;  // names of other rows, separated by spaces
  std::string_view store;  // of the embedded shape
  std::string_view does;
};
std::span<const ServiceRow> services();

}  // namespace parley::app
