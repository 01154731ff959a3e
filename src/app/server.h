#pragma once
#include <memory>
#include <stop_token>

#include "app/targets.h"
#include "base/clock.h"
#include "base/loops.h"

namespace parley::app {

struct Process;

/// One process: the services that it was told to run, with their embedded stores, on one set of
/// loops; those that they need and that run elsewhere, through stubs.
class Server {
 public:
  /// Opens the stores and starts. Errors are one sentence for the person who starts it.
  /// Waits for servers and other processes without which nothing can begin, until `stop` is
  /// requested: then an error, of whatever was waited for.
  static Result<std::unique_ptr<Server>> start(const Config& config, const Targets& targets,
                                               SystemClock& clock, std::stop_token stop);
  /// Ends at once what `stop` did not end in order.
  ~Server();

  bool has_gateway() const;
  std::string targets() const;
  std::string address() const;  // of clients, with the real port; without a gateway: of processes
  std::string admin_address() const;

  /// Leaves in order: tells clients, answers what was taken, syncs, at most about 10 s. Blocks; not
  /// from a loop.
  void stop();

  Loops& loops();

  struct Person {
    std::string name, display_name, password;
  };
  /// An account for `--demo` with a password made at random, which is kept in the data folder.
  Result<Person> demo_person(const std::string& name, const std::string& display_name);

 private:
  explicit Server(std::unique_ptr<Process> parts);
  std::unique_ptr<Process> parts_;
};

/// Marks a folder whose accounts and messages were made by `parleyd seed`.
inline constexpr const char* kTestDataMark = "TEST_DATA";

}  // namespace parley::app
