#pragma once
#include <functional>
#include <vector>

#include "adapters/conversation_store/rocksdb/segment.h"

namespace parley::conversation_log {

/// What there is at the start of a file of a log's folder.
struct LogPart {
  std::string name;
  std::uint64_t bytes = 0;
};

/// What a log's folder holds.
struct LogContents {
  struct Used {
    std::uint64_t number = 0;
    std::uint64_t base = 0;
    std::uint64_t size = 0;  // of the file
  };
  std::vector<Used> used;             // oldest first, numbered without a gap
  std::vector<std::uint64_t> unused;  // files to write next, numbered on from the used ones
  std::vector<std::uint64_t> stray;   // files that fit nowhere, left by an interrupted clean-up
  std::uint64_t end = 0;              // position after the last valid record
  std::uint64_t generation = 0;       // of the last valid record
};

/// Reads a log from its oldest file on. Records that begin at or after `covered` go to `each`, in
/// order; those before it are checked as well. What is read is synced before it returns: a process
/// that was killed may have left records that are not.
///
/// A torn last record is the trace of a write that nobody was answered for: the log ends before it.
/// Anything else that is not valid is damage (`damaged`, naming the file): an invalid record with a
/// valid one after it, a file missing between two, an end before `covered`.
Result<LogContents> recover_log(LogFiles& files, const std::string& folder, std::uint64_t epoch,
                                std::uint64_t covered,
                                const std::function<Result<void>(const Record&)>& each);

/// Whether a folder holds no more than what the making of a store leaves when it is cut short.
Result<bool> is_virgin_log(LogFiles& files, const std::string& folder);

}  // namespace parley::conversation_log
