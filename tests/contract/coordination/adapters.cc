#include "tests/contract/coordination/adapters.h"

#include <stdexcept>

#include "adapters/coordination/zookeeper/coordination.h"
#include "tests/support/backends/backends.h"
#include "tests/support/tcp_gate/tcp_gate.h"

namespace parley::test {
namespace {

class MemoryClient final : public Client {
 public:
  MemoryClient(parley::coordination::MemoryCoordinator& coordinator, std::string process)
      : port_(coordinator, std::move(process)) {}
  Coordination& port() override { return port_; }
  void cut_off(bool cut) override { port_.stall(cut); }

 private:
  parley::coordination::MemoryCoordination port_;
};

class ZookeeperClient final : public Client {
 public:
  ZookeeperClient(const std::string& address, std::string prefix, std::string process)
      : gate_(address) {
    parley::coordination::ZookeeperSettings settings;
    settings.addresses = gate_.address();
    settings.prefix = std::move(prefix);
    settings.process = std::move(process);
    settings.session_timeout = 1500ms;
    settings.lease = 600ms;
    auto opened = parley::coordination::ZookeeperCoordination::open(std::move(settings));
    if (!opened) throw std::runtime_error(opened.error().message);
    port_ = std::move(*opened);
  }
  Coordination& port() override { return *port_; }
  void cut_off(bool cut) override { cut ? gate_.shut() : gate_.open(); }

 private:
  TcpGate gate_;
  std::unique_ptr<Coordination> port_;
};

}  // namespace

MemoryUnderTest::MemoryUnderTest(parley::slots::LeaseTimes times)
    : coordinator_({.session_timeout = 1500ms, .times = times, .clock = &clock_}) {}

std::unique_ptr<Client> MemoryUnderTest::connect(std::string process) {
  return std::make_unique<MemoryClient>(coordinator_, std::move(process));
}

void MemoryUnderTest::step() {
  clock_.advance(10ms);
  coordinator_.turn();
}

ZookeeperUnderTest::ZookeeperUnderTest()
    : address_(backend("zookeeper")), prefix_("/" + unique_name("coordination")) {}

std::unique_ptr<Client> ZookeeperUnderTest::connect(std::string process) {
  return std::make_unique<ZookeeperClient>(address_, prefix_, std::move(process));
}

void ZookeeperUnderTest::step() { std::this_thread::sleep_for(5ms); }

}  // namespace parley::test
