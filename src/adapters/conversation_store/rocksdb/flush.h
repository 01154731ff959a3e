#pragma once
#include <string>

#include "adapters/conversation_store/rocksdb/index.h"
#include "adapters/conversation_store/rocksdb/tails.h"

namespace parley {

/// Sorts a frozen tail into one file per table and has the index take them in, together with the
/// state, all or nothing. `folder` holds the files until then; what an interrupted flush left in it
/// is removed first. A failed flush changed nothing and may be repeated.
Result<void> flush(Index& index, const Tail& tail, const StoreState& state,
                   const std::string& folder, rocksdb::Env& env);

/// The state as of the last flush; `not_found` before the first one.
Result<StoreState> read_state(Index& index);

}  // namespace parley
