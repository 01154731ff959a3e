#pragma once
#include "adapters/session_registry/memory/registry.h"
#include "adapters/session_registry/redis/registry.h"
#include "tests/contract/session_registry/subject.h"
#include "tests/support/redis/redis_server.h"

namespace parley::test {

class MemoryUnderTest final : public RegistryUnderTest {
 public:
  MemoryUnderTest() { loops.start(); }
  ~MemoryUnderTest() override { loops.stop(); }
  SessionRegistry& registry() override { return *registry_; }
  void wipe() override {
    on_loop([this] { registry_ = std::make_unique<session_registry::MemoryRegistry>(); });
  }

 private:
  std::unique_ptr<SessionRegistry> registry_ = std::make_unique<session_registry::MemoryRegistry>();
};

/// A registry of one process, at a server. Which of its settings are short is the test's choice.
class RedisUnderTest : public RegistryUnderTest {
 public:
  explicit RedisUnderTest(std::uint16_t port, session_registry::RedisSettings settings = quick(),
                          redis::Settings connection = {})
      : client(loops, 0, at(port, std::move(connection))), registry_(client, std::move(settings)) {
    loops.start();
    client.start();
    if (!eventually([&] { return !client.missing(); }))
      throw std::runtime_error("Redis is not there: " + client.missing().value().why);
  }
  ~RedisUnderTest() override { loops.stop(); }
  SessionRegistry& registry() override { return registry_; }
  void wipe() override {
    std::promise<bool> done;
    on_loop([&] {
      client.command({"FLUSHALL"}, [&](auto reply) { done.set_value(reply.has_value()); });
    });
    if (!done.get_future().get()) throw std::runtime_error("FLUSHALL failed");
  }
  static session_registry::RedisSettings quick() {
    session_registry::RedisSettings settings;
    settings.gateway_timeout = std::chrono::minutes(1);
    settings.settle = std::chrono::milliseconds(1);
    return settings;
  }

  redis::Client client;

 private:
  static redis::Settings at(std::uint16_t port, redis::Settings settings) {
    settings.host = "127.0.0.1";
    settings.port = port;
    settings.longest_pause = std::chrono::milliseconds(100);
    return settings;
  }
  session_registry::RedisRegistry registry_;
};

/// The same with a server of its own, which the promises may wipe.
class RedisOfItsOwn final : private RedisServer, public RedisUnderTest {
 public:
  RedisOfItsOwn() : RedisUnderTest(RedisServer::port()) {}
};

}  // namespace parley::test
