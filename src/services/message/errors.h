#pragma once
#include "base/result.h"

namespace parley::message {

/// The same for a conversation that does not exist and for one that the asker may not see.
inline std::unexpected<Error> not_here() {
  return fail(Code::not_found, "there is no such conversation", "conversation_id");
}

}  // namespace parley::message
