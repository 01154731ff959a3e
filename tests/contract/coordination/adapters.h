#pragma once
#include "adapters/coordination/memory/coordination.h"
#include "tests/contract/coordination/promises.h"

namespace parley::test {

/// The memory adapter by a clock that only `step` moves.
class MemoryUnderTest : public CoordinationUnderTest {
 public:
  explicit MemoryUnderTest(parley::slots::LeaseTimes times = {600ms});
  std::unique_ptr<Client> connect(std::string process) override;
  void step() override;
  const Clock& clock() const override { return clock_; }
  std::chrono::milliseconds session_timeout() const override { return 1500ms; }
  std::chrono::milliseconds lease() const override { return 600ms; }

 private:
  ManualClock clock_;
  parley::coordination::MemoryCoordinator coordinator_;
};

/// ZooKeeper, each process with a gate of its own before the server.
class ZookeeperUnderTest final : public CoordinationUnderTest {
 public:
  ZookeeperUnderTest();
  std::unique_ptr<Client> connect(std::string process) override;
  void step() override;
  const Clock& clock() const override { return clock_; }
  std::chrono::milliseconds session_timeout() const override { return 1500ms; }
  std::chrono::milliseconds lease() const override { return 600ms; }

 private:
  BootClock clock_;
  std::string address_;
  std::string prefix_;
};

}  // namespace parley::test
