#include "cassandra.h"

#include <fmt/format.h>

#include "base/check.h"

namespace parley::contract {
namespace {

// GoogleTest owns it.
Cassandra* const made = static_cast<Cassandra*>(testing::AddGlobalTestEnvironment(new Cassandra));

}  // namespace

Cassandra& Cassandra::instance() { return *made; }

void Cassandra::TearDown() {
  session_.reset();
  keyspace_.reset();
}

const test::Keyspace& Cassandra::keyspace() {
  if (!keyspace_) keyspace_ = std::make_unique<test::Keyspace>();
  return *keyspace_;
}

void Cassandra::empty() {
  if (!session_) session_ = keyspace().open();
  for (const auto table : {"log", "sent", "inboxes", "marks", "touched", "settled", "store"}) {
    const auto emptied = session_->run(fmt::format("TRUNCATE {}", table));
    PARLEY_CHECK(emptied, emptied.error().message);
  }
}

}  // namespace parley::contract
