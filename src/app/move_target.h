#pragma once
#include "adapters/last_seen/cassandra/last_seen_store.h"
#include "app/move_source.h"
#include "app/move_state.h"

namespace parley::app {

/// The servers of a cluster that gets what an embedded server has.
struct MoveTarget {
  /// Connected; its tables are there.
  static Result<MoveTarget> open(const Config& config, const MoveSource& source);
  /// `conflict`: somebody's data is there, or a process of the cluster runs.
  Result<void> must_be_empty(const Config& config, const MoveSource& source);
  static Result<void> nobody_runs(const Config& config);

  std::vector<std::unique_ptr<sql::Database>> databases;  // as those of the source
  std::shared_ptr<cassandra::Session> cassandra;
  std::unique_ptr<CassandraIntake> conversations;
  std::unique_ptr<last_seen::CassandraLastSeenStore> last_seen;
};

}  // namespace parley::app
