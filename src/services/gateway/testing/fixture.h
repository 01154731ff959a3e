#pragma once
#include <gtest/gtest.h>
#include <memory>

#include "base/clock.h"
#include "services/gateway/gateway.h"
#include "services/gateway/testing/fakes.h"
#include "tests/support/server/client.h"

namespace parley::gateway::testing {

using parley::testing::Client;
using Wire = Client::Wire;

inline constexpr std::int64_t kFarMs = 4'000'000'000'000;

/// A gateway on real sockets with fakes for everything behind it. Change `settings` or `clock`
/// before `start()`.
class GatewayTest : public ::testing::Test {
 protected:
  explicit GatewayTest(std::size_t loops = 1) : loops_(loops, 1), messages_(loops_) {
    settings_.edge.close_timeout = std::chrono::milliseconds(500);
    settings_.edge.tick = std::chrono::milliseconds(20);
    settings_.sweep_every = std::chrono::milliseconds(10);
  }
  ~GatewayTest() override { stop(); }

  Services services();
  void start();
  /// Drains and ends everything. Twice: nothing.
  void stop();

  /// A signed-in client; its device is USER*10.
  std::unique_ptr<Client> client(std::uint64_t user, Wire wire = Wire::pb, std::uint64_t device = 0,
                                 const std::string& cursor = "");
  static std::string token(std::uint64_t user, std::uint64_t device = 0) {
    return FakeAuth::token(user, device ? device : user * 10, kFarMs);
  }

  /// As the message service would.
  void deliver(EntryPtr entry, std::vector<std::uint64_t> recipients, Origin origin = {});
  /// Polls until it holds; fails the test after 30 s.
  static void eventually(const std::function<bool()>& condition);

  static v1::ClientFrame ping(std::uint64_t id) {
    v1::ClientFrame frame;
    frame.set_id(id);
    frame.mutable_ping();
    return frame;
  }
  static v1::ClientFrame send(std::uint64_t id, const std::string& conversation,
                              const std::string& text);

  std::int64_t metric(const std::string& name) const;

  Settings settings_;
  SystemClock system_clock_;
  ManualClock manual_clock_;
  const Clock* clock_ = &system_clock_;
  Loops loops_;
  FakeMessages messages_;
  FakeAuth auth_;
  FakeUsers users_;
  FakeSessions sessions_;
  FakeGroups groups_;
  FakePresence presence_;
  FakeDiscovery discovery_;
  Metrics metrics_;
  std::unique_ptr<Gateway> gateway_;
  std::uint16_t port_ = 0;
};

/// The code of an error frame, or what it is instead.
std::string code_of(const v1::ServerFrame& frame);

inline ConversationId direct_id(std::uint64_t one, std::uint64_t other) {
  return ConversationId::direct(UserId(one), UserId(other));
}

}  // namespace parley::gateway::testing
