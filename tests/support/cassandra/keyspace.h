#pragma once
#include "adapters/shared/cassandra/migrate.h"

namespace parley::test {

/// Runs one statement without rows, on the server that tests share. Throws std::runtime_error.
void run_on_cassandra(const std::string& cql);

/// A keyspace of one test on the real server, with the schema of `steps`; dropped in the end.
/// Throws std::runtime_error if it cannot be made.
class Keyspace {
 public:
  explicit Keyspace(std::span<const cassandra::Migration> steps = cassandra::migrations());
  ~Keyspace();
  Keyspace(const Keyspace&) = delete;

  const cassandra::Settings& settings() const { return settings_; }
  std::unique_ptr<cassandra::Session> open() const { return open(settings_); }
  static std::unique_ptr<cassandra::Session> open(const cassandra::Settings& settings);

 private:
  cassandra::Settings settings_;
};

}  // namespace parley::test
