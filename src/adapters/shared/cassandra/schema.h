#pragma once
#include <span>
#include <string_view>
#include <vector>

namespace parley::cassandra {

/// A step from schema `version - 1` to `version`; versions are dense from 1. Never changed once
/// released. Each statement can be run twice (IF NOT EXISTS): a step that broke off is run again.
struct Migration {
  int version;
  std::vector<std::string_view> statements;
};

/// All of Parley's tables in Cassandra.
std::span<const Migration> migrations();

}  // namespace parley::cassandra
