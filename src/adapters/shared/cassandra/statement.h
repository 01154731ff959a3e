#pragma once
#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "adapters/shared/cassandra/driver/parley_cql.h"

namespace parley::cassandra {

/// How many replicas must have answered. As CQL numbers them.
enum class Consistency : std::uint16_t {
  one = 1,
  quorum = 4,
  all = 5,
  local_quorum = 6,
  serial = 8,
  local_serial = 9,
  local_one = 10,
};

struct Options {
  Consistency consistency = Consistency::local_quorum;
  Consistency serial_consistency = Consistency::local_serial;  // of statements with IF
  /// Microseconds by convention, any number in fact: the cell with the higher one stays, whichever
  /// came first; of equal ones the greater value. None: the server's clock. Not with IF.
  std::optional<std::int64_t> timestamp;
  std::chrono::milliseconds timeout{0};  // with all retries; 0: the session's
  /// Doing it twice is as doing it once: the driver may then send it to another node when the
  /// outcome at the first is unknown. Never of IF or of counters.
  bool idempotent = false;
  std::uint32_t page_size = 0;  // rows at most; 0: all at once. Not of batches
  std::string paging_state;     // of the page before
};

/// A statement as the servers know it. The driver prepares it again where a node has forgotten it.
/// It may outlive the session, and must outlive the call that executes it.
class Prepared {
 public:
  explicit Prepared(parley_cql_prepared* prepared) : prepared_(prepared) {}
  const parley_cql_prepared* get() const { return prepared_.get(); }

 private:
  struct Free {
    void operator()(parley_cql_prepared* prepared) const { parley_cql_prepared_free(prepared); }
  };
  std::unique_ptr<parley_cql_prepared, Free> prepared_;
};

/// A prepared statement with its values, in the order of its question marks. The server refuses
/// values that are too many, too few or of another size than their column's type.
class Statement {
 public:
  explicit Statement(const Prepared& prepared) : prepared_(prepared.get()) {}

  Statement& bigint(std::int64_t value);  // bigint, timestamp
  Statement& integer(std::int32_t value);
  Statement& boolean(bool value);
  Statement& bytes(std::string_view value);                   // text, blob
  Statement& integers(std::span<const std::int32_t> values);  // list<int>, as after IN
  Statement& null();
  Statement& unset();  // the column stays as it is

  Options options;

 private:
  friend class Batch;
  friend class Session;
  parley_cql_bound bound() const;
  template <class Number>
  Statement& number(Number value);
  void size(std::int32_t bytes);

  const parley_cql_prepared* prepared_;
  std::string values_;
  std::uint16_t count_ = 0;
};

/// Several writes as one. `unlogged`: of one partition it is all or nothing, and one write whatever
/// its size; of several partitions it is only a way to send them together. `logged`: of several
/// partitions all are done in the end, at twice the price.
class Batch {
 public:
  enum class Kind : std::uint8_t { unlogged = 0, logged = 1 };
  explicit Batch(Kind kind = Kind::unlogged) : kind_(kind) {}

  /// The statement's own options do not count. Its partition key routes the batch if it is first.
  void add(Statement statement) { statements_.push_back(std::move(statement)); }
  std::size_t size() const { return statements_.size(); }

  Options options;

 private:
  friend class Session;
  Kind kind_;
  std::vector<Statement> statements_;
};

}  // namespace parley::cassandra
