#pragma once
#include <memory>

#include "app/config.h"
#include "base/clock.h"
#include "base/loops.h"

namespace parley::app {

/// One process of the embedded shape: all services with their embedded stores, on one set of loops.
class Server {
 public:
  /// Opens the stores and starts. Errors are one sentence for the person who starts it.
  static Result<std::unique_ptr<Server>> start(const Config& config, SystemClock& clock);
  /// Ends at once what `stop` did not end in order.
  ~Server();

  std::string address() const;  // of clients, with the real port
  std::string admin_address() const;

  /// Leaves in order: tells clients, answers what was taken, syncs, at most about 10 s. Blocks; not
  /// from a loop.
  void stop();

  struct Person {
    std::string name, display_name, password;
  };
  /// An account for `--demo` with a password made at random, which is kept in the data folder.
  Result<Person> demo_person(const std::string& name, const std::string& display_name);

 private:
  struct Parts;
  explicit Server(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

/// Marks a folder whose accounts and messages were made by `parleyd seed`.
inline constexpr const char* kTestDataMark = "TEST_DATA";

}  // namespace parley::app
