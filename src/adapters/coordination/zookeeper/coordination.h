#pragma once
#include "ports/coordination.h"

namespace parley::coordination {

struct ZookeeperSettings {
  std::string addresses;           // host:port,host:port,...
  std::string prefix = "/parley";  // whose nodes below are this system's
  std::string process;             // this process's id, as others and people know it
  std::chrono::milliseconds session_timeout{6000};
  /// From the sending of a renewal, one every fifth of it. A dead process's shards can be taken
  /// `session_timeout` and this later.
  std::chrono::milliseconds lease{2000};
  std::chrono::milliseconds connect_timeout{10000};
  /// Whether `open` succeeds although ZooKeeper does not answer yet: calls then say `unavailable`
  /// until `opened` is told.
  bool keep_trying = false;
};

/// Coordination by ZooKeeper 3.8; README.md. `unavailable`: it does not answer where it should.
class ZookeeperCoordination : public Coordination {
 public:
  static Result<std::unique_ptr<ZookeeperCoordination>> open(ZookeeperSettings settings);
};

}  // namespace parley::coordination
