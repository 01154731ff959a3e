#pragma once
#include <memory>
#include <string>
#include <vector>

#include "base/loops.h"
#include "base/result.h"
#include "rpc/router.h"
#include "rpc/security.h"

namespace parley::rpc {

/// Listens for other processes and gives what they ask to a router, on the loops. A frame of a
/// stream is read when the one before was given to the services: what piles up stays with the
/// sender, which bounds it.
class Server {
 public:
  struct Settings {
    std::vector<std::string> addresses;  // numeric, with ports; 0: any free one
    std::string process;                 // what this one calls itself
    unsigned version = kVersion;
    SecurityPtr security = {};  // null: nothing is encrypted
  };
  /// Errors are one sentence for the person who starts the process. The router outlives it, as do
  /// the loops, which may run or not yet.
  static Result<std::unique_ptr<Server>> open(Loops& loops, const Router& router,
                                              Settings settings);
  ~Server();

  /// Of each address, with the real port.
  const std::vector<std::string>& addresses() const;

  /// Takes no more calls, writes what streams still have to say, ends them, and waits for the calls
  /// under way. The loops still run. Blocks.
  void stop();

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::rpc
