#pragma once
#include <boost/asio.hpp>
#include <future>
#include <map>
#include <set>
#include <span>

#include "base/loops.h"
#include "ports/session_registry.h"

namespace parley::test {

/// A registry on a loop of its own, called from the test's thread, which waits for the answers.
class RegistryUnderTest {
 public:
  using Changes = std::vector<std::pair<std::uint64_t, bool>>;          // user, online
  using Where = std::map<std::uint64_t, std::multiset<std::uint64_t>>;  // user -> gateways

  RegistryUnderTest() : loops(1, 1) {}
  virtual ~RegistryUnderTest() = default;
  virtual SessionRegistry& registry() = 0;
  /// Forgets everything, as a server that was wiped or a process that was started again.
  virtual void wipe() = 0;

  /// What was reported: of each user the last word.
  Result<Where> update(std::uint64_t gateway, const Changes& changes, bool report = true);
  Result<bool> heartbeat(std::uint64_t gateway);
  Result<Where> remove_gateway(std::uint64_t gateway, bool report = true);
  Result<Where> find(const std::vector<std::uint64_t>& users);
  /// The same once the registry can say it.
  Where found(const std::vector<std::uint64_t>& users);
  /// Runs `call` on the registry's loop.
  template <class F>
  void on_loop(F call) {
    boost::asio::post(loops.at(0), boost::asio::use_future(std::move(call))).get();
  }

  Loops loops;
};

/// One promise of ports/session_registry.h; `holds` reports GoogleTest failures where it does not.
/// Each is given an empty registry.
struct RegistryPromise {
  const char* name;
  void (*holds)(RegistryUnderTest& t);
};
std::span<const RegistryPromise> registry_promises();

/// Waits for a condition, 30 s at most.
bool eventually(const std::function<bool()>& condition);

}  // namespace parley::test
