#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <sys/types.h>
#include <vector>

namespace parley::testing {

class ClusterNames;

/// A folder that goes with the test.
class TempFolder {
 public:
  TempFolder();
  ~TempFolder();
  TempFolder(const TempFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// What a program that has ended left behind.
struct Ended {
  int exit_code = -1;  // of a signal: 128 + its number
  std::string output;  // both streams
};
/// Runs a program to its end (2 minutes at most).
Ended run_program(const std::vector<std::string>& command,
                  const std::map<std::string, std::string>& environment = {});

/// A server on free loopback ports: one parleyd; or, as PARLEY_TEST_SHAPE says, `split`: a process
/// of each service and two gateways, over one data folder; `cluster`: those with two message
/// processes, and auth and user apart and found by ZooKeeper, on the servers that tests share,
/// under names of its own. Ended with the object; only these processes are ever signalled.
class ServerProcess {
 public:
  enum class Shape { as_asked, split, cluster };
  /// What is done before the first start, given the file of a cluster's configuration; none:
  /// `parleyd migrate`.
  using Prepare = std::function<void(const std::string& config)>;
  /// `arguments` come after --data and --listen. Fails the running test if it does not come up
  /// within 2 minutes.
  explicit ServerProcess(std::filesystem::path data, std::vector<std::string> arguments = {},
                         Shape shape = Shape::as_asked, const Prepare& prepare = {});
  ~ServerProcess();
  ServerProcess(const ServerProcess&) = delete;

  std::uint16_t port() const { return children_.back().port; }
  /// Of the gateways one after the other.
  std::uint16_t next_port();
  std::uint16_t admin_port() const { return children_.back().admin_port; }
  pid_t pid() const { return children_.back().pid; }
  void signal(int number) const;
  /// Waits for the end of all (2 minutes at most); an exit code that is not 0 if there is one.
  int wait();
  void kill_hard();  // SIGKILL and wait
  /// Comes back on the same data and ports.
  void start();
  std::string log() const;  // standard error of all so far
  /// What /metrics of all processes say.
  std::string metrics() const;

  /// `parleyd doctor` with the configuration of these processes, and more arguments.
  Ended doctor(std::vector<std::string> more = {}) const;

  /// One process of several, by its service (`message`) or, a gateway, its number (`gateway 2`).
  void signal(const std::string& name, int number);
  void kill_hard(const std::string& name);
  /// Starts it again and waits until every process is ready.
  void start(const std::string& name);
  std::uint16_t port(const std::string& name) { return child(name).port; }
  /// The body of its /readyz.
  std::string readiness(const std::string& name);

 private:
  struct Child {
    std::string name;
    std::vector<std::string> arguments;
    std::filesystem::path out, log;
    bool gateway = true;
    pid_t pid = -1;
    std::uint16_t port = 0, admin_port = 0;
  };
  /// Chooses the addresses of several processes, and writes their configuration.
  void plan(bool cluster);
  void launch(Child& child);
  bool await(Child& child);
  void await_all_ready();
  void await_all_shards();
  Child& child(const std::string& name);

  std::filesystem::path data_;
  std::vector<std::string> arguments_;
  std::unique_ptr<ClusterNames> cluster_;
  std::vector<Child> children_;  // gateways last
  std::size_t asked_ = 0;
};

/// A folder and the server on it, for all the tests of a suite: to start one is dear, most of all
/// as many processes. Each test has people of its own.
struct SuiteServer {
  explicit SuiteServer(std::vector<std::string> arguments = {},
                       ServerProcess::Shape shape = ServerProcess::Shape::as_asked)
      : server(folder.path() / "data", std::move(arguments), shape) {}
  TempFolder folder;
  ServerProcess server;
};

/// The parleyd under test: given by the build as PARLEYD.
std::string parleyd_path();

}  // namespace parley::testing
