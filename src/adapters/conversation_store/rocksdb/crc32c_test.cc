#include "adapters/conversation_store/rocksdb/crc32c.h"

#include <gtest/gtest.h>
#include <string>

namespace parley::conversation_log {
namespace {

TEST(Crc32c, HasTheValuesOfRfc3720) {
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aaU);
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43U);
  std::string rising(32, '\0');
  for (int i = 0; i < 32; ++i) rising[static_cast<std::size_t>(i)] = static_cast<char>(i);
  EXPECT_EQ(crc32c(rising), 0x46dd794eU);
  EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
}

TEST(Crc32c, GoesOnFromAnEarlierPart) {
  const std::string text = "a record of the log, in two parts of odd sizes";
  for (std::size_t cut = 0; cut <= text.size(); ++cut)
    EXPECT_EQ(crc32c(text.substr(cut), crc32c(text.substr(0, cut))), crc32c(text));
}

TEST(Crc32c, IsTheSameWithAndWithoutTheInstruction) {
  std::string text;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(crc32c(text, 77), detail::crc32c_portable(text, 77));
    text.push_back(static_cast<char>(i * 37));
  }
}

}  // namespace
}  // namespace parley::conversation_log
