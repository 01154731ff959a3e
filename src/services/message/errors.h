#pragma once
#include "base/result.h"

namespace parley::message {

/// The same for a conversation that does not exist and for one that the asker may not see.
inline std::unexpected<Error> not_here() {
  return fail(Code::not_found, "there is no such conversation", "conversation_id");
}

/// Whoever asked looks again for the shard's owner.
inline Error lost_shard() {
  return {Code::stale_generation, "another process owns this conversation now", {}, 100};
}

}  // namespace parley::message
