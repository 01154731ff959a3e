#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "adapters/conversation_store/rocksdb/log_files.h"

namespace parley::conversation_log {

// The bytes of a log's file; docs/formats.md says them in words. Numbers are little-endian.
//
// A log is one endless sequence of bytes, counted by *position*; each file (*segment*) holds a
// stretch of it. A record's position is part of what its checksum covers, as is the epoch of the
// store: what is left in a reused file from an earlier stretch can never be taken for a record.

inline constexpr std::uint32_t kLogVersion = 1;
inline constexpr std::size_t kSegmentHeaderBytes = 64;
inline constexpr std::size_t kRecordHeaderBytes = 24;

struct SegmentHeader {
  std::uint64_t epoch = 0;
  std::uint64_t number = 0;  // as in the file's name
  std::uint64_t base = 0;    // position of the first record
};

std::string encode(const SegmentHeader& header);
/// `not_found` for bytes that are no valid header (a file that is not in use), `unsupported` for
/// one of a newer version.
Result<SegmentHeader> decode_segment_header(std::string_view bytes);

std::string segment_name(std::uint64_t number);
/// 0 for a name that is no segment's.
std::uint64_t segment_number(std::string_view name);

/// What a record with so much payload takes up.
constexpr std::size_t record_bytes(std::size_t payload) {
  return (kRecordHeaderBytes + payload + 7) / 8 * 8;
}

/// Completes a record in place: `record` holds kRecordHeaderBytes of room, then the payload; it is
/// padded to whole words.
void seal_record(std::string& record, std::uint64_t epoch, std::uint64_t position,
                 std::uint64_t generation);

struct Record {
  std::uint64_t position = 0;
  std::uint64_t end = 0;  // position of the next one
  std::uint64_t generation = 0;
  std::string_view payload;
};

/// The record at the start of `bytes`, if there is a valid one at that position.
bool parse_record(std::string_view bytes, std::uint64_t epoch, std::uint64_t position, Record& out);

/// Where a segment's valid records end, and whether a later valid record proves that the end is a
/// hole: records are written one after the other, each only when the one before is synced.
struct Extent {
  std::uint64_t end = 0;
  bool hole = false;
};

/// Passes the valid records of a segment, whole file in `bytes`, in order to `each`. Generations
/// below `generation`, which rises with what is read, end the segment.
Result<Extent> scan_segment(std::string_view bytes, const SegmentHeader& header,
                            std::uint64_t& generation,
                            const std::function<Result<void>(const Record&)>& each);

}  // namespace parley::conversation_log
