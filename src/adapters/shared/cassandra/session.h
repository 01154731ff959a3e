#pragma once
#include <functional>

#include "adapters/shared/cassandra/rows.h"
#include "adapters/shared/cassandra/statement.h"
#include "base/result.h"

namespace parley::cassandra {

struct Settings {
  std::string contact_points;  // "host:port,host:port": some of the nodes
  std::string keyspace;        // of statements that name none; may be empty
  std::string local_dc;        // only its nodes are asked; empty: all
  std::string user, password;  // no user: no authentication
  std::uint32_t threads = 1;   // of the driver: one carries 25,000 inserts/s
  std::uint32_t connections_per_node = 1;
  std::chrono::milliseconds open_timeout{5000};
  std::chrono::milliseconds request_timeout{5000};
  std::chrono::milliseconds schema_timeout{30000};  // until all nodes agree on a change
  std::uint32_t max_in_flight = 10000;
};

/// What is called with the answer of a request: exactly once, on a thread of the driver, possibly
/// before `execute` returns. It must not block: it posts to who asked. It may start requests.
using Completion = std::move_only_function<void(Result<Rows>)>;

/// A Cassandra cluster. Any thread. Nodes that are lost are tried again by themselves.
///
/// Errors: `unavailable`: surely not done (no node reached, too few replicas alive, more than
/// `max_in_flight` in flight; who starts many bounds them, as by fan_out.h). `timed_out`: a write
/// may or may not be, or come to be (time-out, connection lost, session closed). `storage_full`:
/// not done. `internal`: the statement was refused, or the server is at fault.
class Session {
 public:
  /// Blocks. Also `unsupported`: the keyspace is missing, that is, not migrated yet.
  static Result<std::unique_ptr<Session>> open(Settings settings);
  /// Requests in flight are answered `timed_out` before it returns. Not on a thread of the driver.
  ~Session();
  Session(const Session&) = delete;

  /// Blocks, at most for the request timeout.
  Result<Prepared> prepare(std::string_view cql);

  void execute(const Statement& statement, Completion completion);
  void execute(const Batch& batch, Completion completion);

  /// The same, blocking; never on a thread of the driver.
  Result<Rows> run(const Statement& statement);
  Result<Rows> run(const Batch& batch);
  /// A text without values. After a change of schema it returns when all nodes agree.
  Result<Rows> run(std::string_view cql, const Options& options = {});

  const Settings& settings() const { return settings_; }

 private:
  Session(Settings settings, parley_cql_session* session)
      : settings_(std::move(settings)), session_(session) {}

  const Settings settings_;
  parley_cql_session* const session_;
};

}  // namespace parley::cassandra
