#pragma once
#include "base/named.h"

namespace parley {

using UserId = Named<struct UserIdTag, std::uint64_t>;
using DeviceId = Named<struct DeviceIdTag, std::uint64_t>;
using GroupId = Named<struct GroupIdTag, std::uint64_t>;
using MessageId = Named<struct MessageIdTag, std::uint64_t>;

/// The number of an entry in its conversation, dense from 1. 0 is "before the first".
using Seq = Named<struct SeqTag, std::uint64_t>;

/// Which tenure of a shard's owner wrote; it only grows.
using Generation = Named<struct GenerationTag, std::uint64_t>;

using ShardId = Named<struct ShardIdTag, std::uint32_t>;

/// Which gateway process; unique among those that live. 0 is none.
using GatewayId = Named<struct GatewayIdTag, std::uint64_t>;

/// Milliseconds since 1970-01-01 UTC.
using TimeMs = Named<struct TimeMsTag, std::int64_t>;

}  // namespace parley
