#pragma once
#include <optional>

#include "adapters/shared/cassandra/session.h"

namespace parley::cassandra_log {

// Rows of the table `store`, what a store says of itself.
inline constexpr std::string_view kEpoch = "epoch";
inline constexpr std::string_view kMoving = "moving";  // not 0: it is being filled from elsewhere

/// The number by that name, as all replicas agree on it; none: there is none.
Result<std::optional<std::uint64_t>> number_of(cassandra::Session& session, std::string_view name);
/// The same; the one given, where there is none yet.
Result<std::uint64_t> ensure(cassandra::Session& session, std::string_view name,
                             std::uint64_t value);
/// `unsupported`: it was made with another one.
Result<void> must_be(cassandra::Session& session, std::string_view name, std::uint64_t value);

}  // namespace parley::cassandra_log
