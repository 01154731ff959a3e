// What every AddressPlaces promises (src/ports/address_places.h), and what is said of files that
// are no such.
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "adapters/address_places/maxmind/places.h"
#include "adapters/address_places/memory/places.h"
#include "tests/support/contract/temp_folder.h"

namespace parley::test {
namespace {

using address_places::MaxmindPlaces;
using address_places::MemoryPlaces;

constexpr Coordinates kFrankfurt{50.11, 8.68}, kSydney{-33.87, 151.21};

std::unique_ptr<AddressPlaces> memory() {
  return std::make_unique<MemoryPlaces>(MemoryPlaces::Places{
      {"192.0.2.1", kFrankfurt}, {"192.0.2.200", kSydney}, {"2001:db8:2::1", kSydney}});
}
std::unique_ptr<AddressPlaces> maxmind() {
  auto opened = MaxmindPlaces::open(PARLEY_TEST_PLACES);
  if (!opened) throw std::runtime_error(opened.error().message);
  return std::move(*opened);
}

struct Adapter {
  const char* name;
  std::unique_ptr<AddressPlaces> (*make)();
};
class AddressPlacesContract : public testing::TestWithParam<Adapter> {};
INSTANTIATE_TEST_SUITE_P(All, AddressPlacesContract,
                         testing::Values(Adapter{"Memory", memory}, Adapter{"Maxmind", maxmind}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(AddressPlacesContract, AnswersWhereAddressesAre) {
  const auto places = GetParam().make();
  EXPECT_EQ(places->find("192.0.2.1"), kFrankfurt);
  EXPECT_EQ(places->find("192.0.2.200"), kSydney) << "the smaller network within a larger one";
  EXPECT_EQ(places->find("2001:db8:2::1"), kSydney);
  EXPECT_EQ(places->find("::ffff:192.0.2.1"), kFrankfurt);
}

TEST_P(AddressPlacesContract, KnowsNothingOfOthers) {
  const auto places = GetParam().make();
  for (const auto* other : {"127.1.1", "10.0.0.1", "198.51.100.1", "203.0.113.1", "::1",
                            "2001:db8:3::1", "::ffff:10.0.0.1", "", "localhost", "192.0.2", "::g"})
    EXPECT_FALSE(places->find(other)) << other;
}

std::string contents(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  return (std::ostringstream() << in.rdbuf()).str();
}
void write(const std::filesystem::path& file, std::string_view bytes) {
  std::ofstream(file, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

TEST(MaxmindPlaces, SaysWhatIsWrongWithAFile) {
  const TempFolder folder;
  const auto refused = [](const std::filesystem::path& file, Code code, const char* part) {
    const auto opened = MaxmindPlaces::open(file.string());
    if (opened) return testing::AssertionFailure() << file << " was taken";
    if (opened.error().code == code && opened.error().message.contains(part) &&
        opened.error().message.contains(file.string()))
      return testing::AssertionSuccess();
    return testing::AssertionFailure() << opened.error().message;
  };
  EXPECT_TRUE(refused(folder.path() / "none", Code::not_found, "No such file"));
  EXPECT_TRUE(refused(folder.path(), Code::not_found, "directory"));
  const auto file = folder.path() / "file";
  write(file, "");
  EXPECT_TRUE(refused(file, Code::damaged, "damaged"));
  write(file, std::string(5'000, 'x'));
  EXPECT_TRUE(refused(file, Code::damaged, "damaged"));
  const auto whole = contents(PARLEY_TEST_PLACES);
  write(file, whole.substr(0, whole.size() / 2));
  EXPECT_TRUE(refused(file, Code::damaged, "damaged"));
  EXPECT_TRUE(refused(PARLEY_TEST_NETWORKS, Code::invalid_argument, "Test-ASN"));
}

TEST(MaxmindPlaces, WhatBecomesOfTheFileLaterChangesNothing) {
  const TempFolder folder;
  const auto file = folder.path() / "file";
  std::filesystem::copy_file(PARLEY_TEST_PLACES, file);
  const auto places = MaxmindPlaces::open(file.string());
  ASSERT_TRUE(places) << places.error().message;
  std::filesystem::resize_file(file, 10);
  EXPECT_EQ((*places)->find("192.0.2.1"), kFrankfurt);
  std::filesystem::remove(file);
  EXPECT_EQ((*places)->find("192.0.2.200"), kSydney);
}

// Nothing that a file says may do more than answer wrongly: under the sanitizers.
TEST(MaxmindPlaces, ADamagedFileIsNoHarm) {
  const TempFolder folder;
  const auto whole = contents(PARLEY_TEST_PLACES);
  const auto file = folder.path() / "file";
  for (std::size_t at = 0; at < whole.size(); at += 7) {
    auto damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 0xff);
    write(file, damaged);
    const auto places = MaxmindPlaces::open(file.string());
    if (!places) continue;
    for (const auto* address : {"192.0.2.1", "192.0.2.200", "2001:db8:2::1", "198.51.100.1"})
      if (const auto found = (*places)->find(address)) EXPECT_TRUE(found->valid());
  }
}

}  // namespace
}  // namespace parley::test
