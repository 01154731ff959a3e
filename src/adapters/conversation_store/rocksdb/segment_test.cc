#include "adapters/conversation_store/rocksdb/segment.h"

#include <gtest/gtest.h>
#include <vector>

namespace parley::conversation_log {
namespace {

constexpr std::uint64_t kEpoch = 0x1234'5678'9abc'def0;

struct Built {
  SegmentHeader header;
  std::string bytes;
  std::vector<std::uint64_t> ends;
};

Built build(const std::vector<std::string>& payloads, std::uint64_t base = 4096,
            std::uint64_t generation = 3) {
  Built b{{kEpoch, 7, base}, encode(SegmentHeader{kEpoch, 7, base}), {}};
  std::uint64_t position = base;
  for (const auto& payload : payloads) {
    std::string record(kRecordHeaderBytes, '\0');
    record += payload;
    seal_record(record, kEpoch, position, generation);
    b.bytes += record;
    b.ends.push_back(position += record.size());
  }
  b.bytes.resize(b.bytes.size() + 4096, '\0');
  return b;
}

std::pair<Extent, std::vector<std::string>> scan(const Built& b, std::uint64_t generation = 0) {
  std::vector<std::string> found;
  auto extent = scan_segment(b.bytes, b.header, generation, [&](const Record& r) -> Result<void> {
    found.emplace_back(r.payload);
    return {};
  });
  EXPECT_TRUE(extent);
  return {*extent, found};
}

TEST(Segment, HeaderComesBackAndADamagedOneIsNone) {
  const auto bytes = encode(SegmentHeader{kEpoch, 9, 77});
  const auto header = decode_segment_header(bytes);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->epoch, kEpoch);
  EXPECT_EQ(header->number, 9U);
  EXPECT_EQ(header->base, 77U);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto damaged = bytes;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_FALSE(decode_segment_header(damaged)) << "byte " << i;
  }
}

TEST(Segment, NamesRoundTripAndOthersAreNone) {
  EXPECT_EQ(segment_number(segment_name(12)), 12U);
  for (const auto* name :
       {"12.log", "000000000012.logx", "LOCK", "000000000012", "-00000000012.log"})
    EXPECT_EQ(segment_number(name), 0U) << name;
}

TEST(Segment, RecordsOfAnySizeComeBackInOrder) {
  const std::vector<std::string> payloads{"", "a", std::string(1000, 'b'), "12345678", "c"};
  const auto b = build(payloads);
  const auto [extent, found] = scan(b);
  EXPECT_EQ(found, payloads);
  EXPECT_EQ(extent.end, b.ends.back());
  EXPECT_FALSE(extent.hole);
}

TEST(Segment, AnyFlippedByteOfTheLastRecordDropsItWholeAndIsNoHole) {
  const auto b = build({"first", "second", "the last"});
  for (auto at = b.ends[1]; at < b.ends[1] + kRecordHeaderBytes + 8; ++at) {
    auto torn = b;
    auto& byte = torn.bytes[kSegmentHeaderBytes + at - b.header.base];
    byte = static_cast<char>(byte ^ 0x40);
    const auto [extent, found] = scan(torn);
    EXPECT_EQ(found.size(), 2U);
    EXPECT_EQ(extent.end, b.ends[1]);
    EXPECT_FALSE(extent.hole);
  }
}

TEST(Segment, AnyFlippedByteBeforeAValidRecordIsAHole) {
  const auto b = build({"first", "second", "the last"});
  for (auto at = b.header.base; at < b.ends[1]; ++at) {
    // Padding is no part of a record: nothing reads it.
    if ((at >= b.header.base + kRecordHeaderBytes + 5 && at < b.ends[0]) ||
        at >= b.ends[0] + kRecordHeaderBytes + 6)
      continue;
    auto damaged = b;
    auto& byte = damaged.bytes[kSegmentHeaderBytes + at - b.header.base];
    byte = static_cast<char>(byte ^ 1);
    const auto [extent, found] = scan(damaged);
    EXPECT_TRUE(extent.hole) << "byte " << at;
    EXPECT_LT(found.size(), 2U);
  }
}

TEST(Segment, WhatAnEarlierUseOfTheFileLeftIsNoRecord) {
  auto b = build({"new"}, 1 << 20);
  const auto old = build({"old one", "old two", "old three"}, 4096);
  // The new stretch is written over the beginning of the old one.
  const std::size_t kept = kSegmentHeaderBytes + (b.ends[0] - b.header.base);
  b.bytes = b.bytes.substr(0, kept) + old.bytes.substr(kept);
  const auto [extent, found] = scan(b);
  EXPECT_EQ(found, std::vector<std::string>{"new"});
  EXPECT_FALSE(extent.hole);
}

TEST(Segment, AnotherStoresRecordsOrAnEarlierGenerationsAreNone) {
  auto b = build({"one", "two"});
  b.header.epoch ^= 1;
  EXPECT_TRUE(scan(b).second.empty());
  EXPECT_TRUE(scan(build({"one"}, 4096, 3), 4).second.empty());
}

}  // namespace
}  // namespace parley::conversation_log
