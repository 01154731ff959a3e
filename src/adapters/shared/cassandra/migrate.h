#pragma once
#include "adapters/shared/cassandra/schema.h"
#include "adapters/shared/cassandra/session.h"

namespace parley::cassandra {

/// Makes `settings.keyspace` if it is missing, with so many replicas in each data centre, and
/// brings its schema to the last version of `steps`, which it returns. Waits after each statement
/// until all nodes agree. Blocks. Any number of processes may do so at once: one works, the others
/// wait. One that was killed is waited for, for two minutes. `unsupported`: the schema is newer.
Result<int> migrate(const Settings& settings, int replication_factor,
                    std::span<const Migration> steps = migrations());

/// Whether the schema in the session's keyspace is the one that this program needs. Blocks.
/// `unsupported`: a sentence with the command to type.
Result<void> check_schema(Session& session, std::span<const Migration> steps = migrations());

/// Whether a quorum of the servers answers, within 4 s. Blocks.
Result<void> reach(Session& session);

}  // namespace parley::cassandra
