#pragma once
#include <algorithm>
#include <chrono>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "ports/coordination.h"

namespace parley::test {

using namespace std::chrono_literals;

/// One process's place, as the contract sees it.
class Client {
 public:
  virtual ~Client() = default;  // closes the session, if the coordinator can be reached
  virtual Coordination& port() = 0;
  /// From now on nothing passes between the process and the coordinator, or all again.
  virtual void cut_off(bool cut) = 0;
};

/// An adapter with a coordinator that is empty at first.
class CoordinationUnderTest {
 public:
  virtual ~CoordinationUnderTest() = default;
  virtual std::unique_ptr<Client> connect(std::string process) = 0;
  /// Lets a little time pass (at most about 10 ms of the coordinator's).
  virtual void step() = 0;
  virtual const Clock& clock() const = 0;  // the leases'
  virtual std::chrono::milliseconds session_timeout() const = 0;
  virtual std::chrono::milliseconds lease() const = 0;

  /// Steps until `condition`; false if it does not come within 30 s of the clock.
  bool await(const std::function<bool()>& condition);
};

/// One promise of ports/coordination.h; `holds` reports GoogleTest failures where it does not.
struct Promise {
  const char* name;
  void (*holds)(CoordinationUnderTest& subject);
};
std::span<const Promise> membership_promises();
std::span<const Promise> lease_promises();

/// What a listener or a watch was told, for any thread to look at. The callback may outlive it.
template <class T>
class Heard {
 public:
  auto hear() {
    return [state = state_](const T& what) {
      const std::lock_guard lock(state->mutex);
      state->all.push_back(what);
    };
  }
  std::vector<T> all() const {
    const std::lock_guard lock(state_->mutex);
    return state_->all;
  }
  T last() const {
    const auto heard = all();
    return heard.empty() ? T{} : heard.back();
  }
  bool has(const T& what) const {
    const auto heard = all();
    return std::ranges::find(heard, what) != heard.end();
  }

 private:
  struct State {
    std::mutex mutex;
    std::vector<T> all;
  };
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

}  // namespace parley::test
