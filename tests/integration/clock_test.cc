// The wall clock of the machine is set back an hour while people talk.
#include <csignal>
#include <gtest/gtest.h>

#include "tests/support/server/client.h"
#include "tests/support/server/server_process.h"

namespace parley::testing {
namespace {

TEST(Clock, SetBackAnHourNeitherRepeatsReordersNorHides) {
  TempFolder folder;
  ServerProcess server(folder.path() / "data", {"--test-data"});
  const auto ann = sign_up(server.port(), "ann"), bob = sign_up(server.port(), "bob");
  const auto talk = direct(ann.user_id(), bob.user_id());
  std::uint64_t last_seq = 0, last_id = 0;
  std::int64_t last_time = 0;
  std::string cursor;
  for (int round = 0; round < 3; ++round) {
    if (round == 1) {
      server.signal(SIGUSR2);
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
      while (server.log().find("set back an hour") == std::string::npos)
        ASSERT_LT(std::chrono::steady_clock::now(), deadline);
    }
    if (round ==
        2) {  // the next process starts with the clock an hour behind what the store has seen
      server.kill_hard();
      server.start();
      server.signal(SIGUSR2);
    }
    Client a(server.port(), Client::Wire::pb);
    a.hello(ann.access_token());
    for (int i = 0; i < 20; ++i) {
      const auto key = std::to_string(round) + "-" + std::to_string(i);
      const auto sent = a.say(talk, key, "text").result().sent();
      EXPECT_EQ(sent.seq(), ++last_seq);
      EXPECT_GT(sent.message_id(), last_id);
      EXPECT_GE(sent.time_ms(), last_time);
      last_id = sent.message_id();
      last_time = sent.time_ms();
    }
    Client b(server.port(), Client::Wire::pb);
    b.hello(bob.access_token(), cursor);
    std::uint64_t newest = 0;
    for (const auto& frame : b.backlog)
      if (frame.has_entry()) newest = std::max<std::uint64_t>(newest, frame.entry().seq());
    EXPECT_EQ(newest, last_seq)
        << "what came after the jump is in the backlog of a device from before";
    cursor = b.cursor;
  }
}

}  // namespace
}  // namespace parley::testing
