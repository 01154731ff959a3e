#pragma once
#include "adapters/shared/cassandra/session.h"

namespace parley::cassandra {

/// Runs `count` statements, at most `width` of them at once, and blocks until all that were started
/// are answered. `make(i)` is called here, in order; `take(i, rows)` on threads of the driver, for
/// different i perhaps at once. After the first error, which is returned, none is started.
Result<void> fan_out(Session& session, std::size_t count, std::size_t width,
                     const std::function<Statement(std::size_t)>& make,
                     const std::function<void(std::size_t, Rows)>& take);

/// The same with batches, whose answers say nothing.
Result<void> fan_out(Session& session, const std::vector<Batch>& batches, std::size_t width);

}  // namespace parley::cassandra
