#include "services/session/session_service.h"

#include <future>
#include <gtest/gtest.h>

#include "adapters/session_registry/memory/registry.h"

namespace parley::session {
namespace {

class SessionServiceTest : public testing::TestWithParam<std::size_t> {
 protected:
  SessionServiceTest() : loops(GetParam(), 1), service(loops, make(GetParam())) { loops.start(); }
  ~SessionServiceTest() override { loops.stop(); }

  static std::vector<std::unique_ptr<SessionRegistry>> make(std::size_t n) {
    std::vector<std::unique_ptr<SessionRegistry>> out;
    for (std::size_t i = 0; i < n; ++i)
      out.push_back(std::make_unique<session_registry::MemoryRegistry>());
    return out;
  }
  void update(std::vector<Presence> changes) {
    std::promise<void> done;
    boost::asio::post(loops.at(0), [&] {
      service.update(GatewayId(1), std::move(changes));
      done.set_value();
    });
    done.get_future().get();
  }
  std::size_t count(std::vector<UserId> users) {
    std::promise<std::size_t> done;
    boost::asio::post(loops.at(GetParam() - 1), [&] {
      service.locate(std::move(users), [&](std::vector<Location> found) {
        EXPECT_EQ(loops.current(), GetParam() - 1);
        done.set_value(found.size());
      });
    });
    return done.get_future().get();
  }

  Loops loops;
  SessionService service;
};

TEST_P(SessionServiceTest, LocatesTheUsersWhoAreOnline) {
  std::vector<Presence> online;
  std::vector<UserId> everybody;
  for (std::uint64_t i = 1; i <= 100; ++i) {
    everybody.push_back(UserId(i));
    if (i % 2) online.push_back({UserId(i), true});
  }
  update(online);
  EXPECT_EQ(count(everybody), 50u);
  for (auto& change : online) change.online = false;
  update(online);
  EXPECT_EQ(count(everybody), 0u);
  EXPECT_EQ(count({}), 0u);
}

INSTANTIATE_TEST_SUITE_P(Loops, SessionServiceTest, testing::Values(1, 3));

}  // namespace
}  // namespace parley::session
