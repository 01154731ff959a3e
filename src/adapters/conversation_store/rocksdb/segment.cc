#include "adapters/conversation_store/rocksdb/segment.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <fmt/format.h>

#include "adapters/conversation_store/rocksdb/crc32c.h"
#include "base/check.h"

namespace parley::conversation_log {
namespace {

static_assert(std::endian::native == std::endian::little, "the log's numbers are little-endian");

constexpr std::string_view kMagic = "PARLYLOG";

template <class T>
void put(std::string& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}
template <class T>
T get(std::string_view bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

std::uint32_t record_crc(std::string_view after_crc, std::uint64_t epoch) {
  const std::string_view salt(reinterpret_cast<const char*>(&epoch), sizeof epoch);
  return crc32c(after_crc, crc32c(salt));
}

}  // namespace

std::string encode(const SegmentHeader& header) {
  std::string bytes(kSegmentHeaderBytes, '\0');
  std::memcpy(bytes.data(), kMagic.data(), kMagic.size());
  put(bytes, 8, kLogVersion);
  put(bytes, 16, header.epoch);
  put(bytes, 24, header.number);
  put(bytes, 32, header.base);
  put(bytes, 12, crc32c(std::string_view(bytes).substr(16)));
  return bytes;
}

Result<SegmentHeader> decode_segment_header(std::string_view bytes) {
  if (bytes.size() < kSegmentHeaderBytes || !bytes.starts_with(kMagic))
    return fail(Code::not_found, "not a segment in use");
  const auto version = get<std::uint32_t>(bytes, 8);
  if (version > kLogVersion)
    return fail(Code::unsupported,
                "the log was written by a newer version of Parley: use that one");
  if (version < kLogVersion ||
      crc32c(bytes.substr(16, kSegmentHeaderBytes - 16)) != get<std::uint32_t>(bytes, 12))
    return fail(Code::not_found, "not a segment in use");
  return SegmentHeader{get<std::uint64_t>(bytes, 16), get<std::uint64_t>(bytes, 24),
                       get<std::uint64_t>(bytes, 32)};
}

std::string segment_name(std::uint64_t number) { return fmt::format("{:012}.log", number); }

std::uint64_t segment_number(std::string_view name) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  return error == std::errc() && name == segment_name(number) ? number : 0;
}

void seal_record(std::string& record, std::uint64_t epoch, std::uint64_t position,
                 std::uint64_t generation) {
  PARLEY_CHECK(record.size() >= kRecordHeaderBytes, "a record begins with room for its header");
  const std::size_t payload = record.size() - kRecordHeaderBytes;
  PARLEY_CHECK(payload <= UINT32_MAX, "a record's length has 32 bits");
  put(record, 4, static_cast<std::uint32_t>(payload));
  put(record, 8, position);
  put(record, 16, generation);
  put(record, 0, record_crc(std::string_view(record).substr(4), epoch));
  record.resize(record_bytes(payload), '\0');
}

bool parse_record(std::string_view bytes, std::uint64_t epoch, std::uint64_t position,
                  Record& out) {
  if (bytes.size() < kRecordHeaderBytes || get<std::uint64_t>(bytes, 8) != position) return false;
  const std::size_t payload = get<std::uint32_t>(bytes, 4);
  if (record_bytes(payload) > bytes.size()) return false;
  if (record_crc(bytes.substr(4, kRecordHeaderBytes - 4 + payload), epoch) !=
      get<std::uint32_t>(bytes, 0))
    return false;
  out = {position, position + record_bytes(payload), get<std::uint64_t>(bytes, 16),
         bytes.substr(kRecordHeaderBytes, payload)};
  return true;
}

Result<Extent> scan_segment(std::string_view bytes, const SegmentHeader& header,
                            std::uint64_t& generation,
                            const std::function<Result<void>(const Record&)>& each) {
  std::size_t at = kSegmentHeaderBytes;
  const auto position = [&] { return header.base + (at - kSegmentHeaderBytes); };
  Record record;
  while (at < bytes.size() && parse_record(bytes.substr(at), header.epoch, position(), record) &&
         record.generation >= generation) {
    generation = record.generation;
    PARLEY_TRY_VOID(each(record));
    at += record.end - record.position;
  }
  Extent extent{position(), false};
  for (at += 8; at + kRecordHeaderBytes <= bytes.size(); at += 8)
    if (parse_record(bytes.substr(at), header.epoch, position(), record)) {
      extent.hole = true;
      break;
    }
  return extent;
}

}  // namespace parley::conversation_log
