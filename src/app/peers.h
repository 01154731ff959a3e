#pragma once
#include <map>
#include <memory>
#include <stop_token>
#include <string>

#include "base/metrics.h"
#include "rpc/pool.h"

namespace parley::app {

/// The other processes that this one speaks to: one connection to each by its address, and pools of
/// those of which any is as good.
class Peers {
 public:
  /// `process`: what this one calls itself.
  Peers(Loops& loops, std::string process, rpc::SecurityPtr security)
      : loops_(loops), process_(std::move(process)), security_(std::move(security)) {}

  /// The link to the process at an address. `name`: what it is there for, in words for a person;
  /// `needed`: this process is not ready without it. Before `start`.
  rpc::Link& at(const std::string& address, const std::string& name, bool needed);

  /// The pool of that name, which is empty at first; for another service of the same processes it
  /// is the same.
  rpc::Pool& pool(const std::string& pool, const std::string& name, bool needed);

  void start();
  /// Blocks. The loops still run.
  void stop();

  /// Blocks until the process at this address is there; one that is not spoken to: not at all.
  /// `unavailable`: a stop was requested.
  Result<void> wait_for(const std::string& address, const std::stop_token& stop) const;

  /// A line for each that is not there: which, since when, and why.
  std::string missing() const;
  /// A gauge for each: whether it is there. They outlive the last look at it.
  void measure(Metrics& metrics) const;
  /// None that is needed is missing. Any thread.
  bool all_there() const;

 private:
  struct Peer {
    std::string names;
    bool needed = false;
    std::unique_ptr<rpc::Channel> channel;
    std::unique_ptr<rpc::Link> link;
  };
  Loops& loops_;
  const std::string process_;
  const rpc::SecurityPtr security_;
  std::map<std::string, Peer> by_address_;
  struct PooledPeers {
    std::string names;
    bool needed = false;
    std::unique_ptr<rpc::Pool> pool;
  };
  std::map<std::string, PooledPeers> pools_;
};

}  // namespace parley::app
