#include "services/discovery/listing.h"

#include <gtest/gtest.h>

namespace parley::discovery {
namespace {

const GatewayRow kRow{"wss://one.example.org/v1/ws", "eu", Coordinates{50.11, 8.68}, 18'000, 42};

TEST(Listing, IsReadAsItIsWritten) {
  auto not_ready = kRow, draining = kRow, bare = kRow, with_admin = kRow;
  with_admin.admin = "127.0.0.1:8080";
  not_ready.ready = false;
  draining.ready = false;
  draining.draining = true;
  bare.zone.clear();
  bare.at.reset();
  for (const auto& row : {kRow, not_ready, draining, bare, with_admin}) {
    const auto read = from_attributes(to_attributes(row));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, row) << to_attributes(row);
  }
  EXPECT_EQ(to_attributes(kRow),
            "url=wss://one.example.org/v1/ws\nzone=eu\nat=50.11,8.68\ncapacity=18000\nload=42\n"
            "state=open\n");
}

TEST(Listing, IgnoresWhatANewerVersionSays) {
  const auto read = from_attributes(to_attributes(kRow) + "mood=good\n");
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, kRow);
}

TEST(Listing, RefusesWhatIsNone) {
  for (const auto* bad :
       {"", "url=x\n", "capacity=5\n", "url=x\ncapacity=-1\n", "url=x\ncapacity=5x\n",
        "url=x\ncapacity=18446744073709551616\n", "url=x\ncapacity=5\nload=many\n",
        "url=x\ncapacity=5\nat=91,0\n", "url=x\ncapacity=5\nstate=asleep\n",
        "url=x\ncapacity=5\nnothing\n", "url=x\n\ncapacity=5\n", "url=x\ncapacity=0\n"})
    EXPECT_FALSE(from_attributes(bad)) << bad;
}

}  // namespace
}  // namespace parley::discovery
