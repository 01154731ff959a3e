#pragma once
#include "adapters/shared/cassandra/session.h"
#include "ports/last_seen.h"

namespace parley::last_seen {

/// On a session that others may use too, whose keyspace has the schema (cassandra::check_schema).
/// Any thread but the driver's. What `put` has answered is on a quorum of the local data centre.
class CassandraLastSeenStore final : public LastSeenStore {
 public:
  static Result<std::unique_ptr<CassandraLastSeenStore>> open(
      std::shared_ptr<cassandra::Session> session);

  Result<void> put(const std::vector<LastSeen>& batch) override;
  Result<std::vector<LastSeen>> of(const std::vector<UserId>& users) override;

 private:
  CassandraLastSeenStore(std::shared_ptr<cassandra::Session> session, cassandra::Prepared write,
                         cassandra::Prepared read)
      : session_(std::move(session)), write_(std::move(write)), read_(std::move(read)) {}

  const std::shared_ptr<cassandra::Session> session_;
  const cassandra::Prepared write_, read_;
};

}  // namespace parley::last_seen
