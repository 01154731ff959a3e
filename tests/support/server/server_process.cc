#include "tests/support/server/server_process.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <random>
#include <set>
#include <sstream>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "domain/conversation_id.h"
#include "tests/support/server/client.h"
#include "tests/support/server/cluster_names.h"

namespace parley::testing {
namespace {
using namespace std::chrono_literals;

constexpr auto kPatience = 120s;

template <class F>
bool in_time(F condition) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(2ms);
  }
  return true;
}

std::string read_file(const std::filesystem::path& path) {
  std::ifstream in(path);
  std::ostringstream out;
  out << in.rdbuf();
  return out.str();
}

pid_t spawn(const std::vector<std::string>& command, const std::filesystem::path& out,
            const std::filesystem::path& err,
            const std::map<std::string, std::string>& environment) {
  std::vector<char*> argv;
  for (const auto& word : command) argv.push_back(const_cast<char*>(word.c_str()));
  argv.push_back(nullptr);
  const pid_t pid = fork();
  if (pid != 0) return pid;
  for (const auto& [name, value] : environment) setenv(name.c_str(), value.c_str(), 1);
  const int out_fd = open(out.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  const int err_fd = open(err.c_str(), O_CREAT | O_WRONLY | O_APPEND, 0600);
  dup2(out_fd, 1);
  dup2(err_fd, 2);
  execv(argv[0], argv.data());
  _exit(127);
}

int reap(pid_t pid) {
  int status = 0;
  const bool ended = in_time([&] { return waitpid(pid, &status, WNOHANG) == pid; });
  if (!ended) {
    ADD_FAILURE() << "process " << pid << " did not end in time";
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/// Ports of loopback on which nobody listens, below those that the system gives to clients: who
/// starts again finds its port as it left it.
class FreePorts {
 public:
  std::uint16_t next() {
    for (;;) {
      const auto port = static_cast<std::uint16_t>(from_(random_));
      const int fd = socket(AF_INET, SOCK_STREAM, 0);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_port = htons(port);
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      const bool free = bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
      close(fd);
      if (free && taken_.insert(port).second) return port;
    }
  }

 private:
  std::random_device random_;
  std::uniform_int_distribution<int> from_{15'000, 31'000};
  std::set<std::uint16_t> taken_;
};
FreePorts& free_ports() {
  static FreePorts ports;
  return ports;
}

std::uint16_t port_after(const std::string& text, const std::string& mark) {
  const auto at = text.find(mark);
  if (at == std::string::npos) return 0;
  const auto end = text.find_first_of("\n/", at + mark.size());
  const auto colon = text.rfind(':', end);
  return end == std::string::npos ? 0
                                  : static_cast<std::uint16_t>(std::atoi(text.c_str() + colon + 1));
}

}  // namespace

TempFolder::TempFolder() {
  std::string made = (std::filesystem::temp_directory_path() / "parley-test-XXXXXX").string();
  EXPECT_NE(mkdtemp(made.data()), nullptr);
  path_ = made;
}
TempFolder::~TempFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Ended run_program(const std::vector<std::string>& command,
                  const std::map<std::string, std::string>& environment) {
  TempFolder folder;
  const auto out = folder.path() / "out";
  const int code = reap(spawn(command, out, out, environment));
  return {code, read_file(out)};
}

std::string parleyd_path() {
  const char* path = std::getenv("PARLEYD");
  return path ? path : "";
}

namespace {

/// `split`, `cluster`; empty: one process.
std::string asked_shape() {
  const char* shape = std::getenv("PARLEY_TEST_SHAPE");
  return shape ? shape : "";
}

/// The number in such a line of /metrics; -1: there is none.
std::int64_t metric_in(const std::string& metrics, const std::string& name) {
  const auto at = metrics.find("\n" + name + " ");
  return at == std::string::npos ? -1 : std::atoll(metrics.c_str() + at + name.size() + 2);
}

}  // namespace

ServerProcess::ServerProcess(std::filesystem::path data, std::vector<std::string> arguments,
                             Shape shape, const Prepare& prepare)
    : data_(std::move(data)), arguments_(std::move(arguments)) {
  const auto asked = asked_shape();
  if (shape != Shape::as_asked || asked == "split" || asked == "cluster")
    plan(shape == Shape::cluster || (shape == Shape::as_asked && asked == "cluster"));
  else
    children_.push_back({"all", {}, data_.string() + ".out", data_.string() + ".log"});
  for (auto& child : children_)
    if (child.gateway) child.port = free_ports().next();
  const auto config = data_.string() + ".toml";
  if (cluster_ && prepare) {
    prepare(config);
  } else if (cluster_) {
    const auto migrated = run_program({parleyd_path(), "migrate", "--config", config});
    EXPECT_EQ(migrated.exit_code, 0) << migrated.output;
  }
  start();
}

void ServerProcess::plan(bool cluster) {
  const auto address = [] { return "\"127.0.0.1:" + std::to_string(free_ports().next()) + "\""; };
  const auto file = data_.string() + ".toml";
  std::ofstream toml(file);
  const auto add = [&](const std::string& name, std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), {"--config", file, "--target"});
    const auto at = data_.string() + "." + name;
    children_.push_back({name, std::move(arguments), at + ".out", at + ".log", false});
  };
  toml << "[services]\n";
  for (const std::string name :
       {"session", "presence", "auth", "notification", "message", "group"}) {
    if (cluster && (name == "message" || name == "auth")) continue;
    toml << name << " = " << address() << "\n";
    add(name, {name});
  }
  if (cluster) {
    // Over MySQL they may run apart.
    toml << "auth = \"zookeeper\"\nuser = \"zookeeper\"\nlisten = " << address() << "\n";
    add("auth", {"auth"});
    add("user", {"user", "--services-listen", "127.0.0.1:" + std::to_string(free_ports().next())});
    cluster_ = std::make_unique<ClusterNames>();
    toml << cluster_->settings() << "[messages]\n";
    for (const std::string id : {"1", "2"}) {
      toml << id << " = " << address() << "\n";
      add("message " + id, {"message", "--message-id", id});
    }
  }
  toml << "[gateways]\n";
  // The first one's output is where the one process's would be.
  for (const std::string id : {"2", "1"}) {
    toml << id << " = " << address() << "\n";
    const auto name = data_.string() + (id == "1" ? "" : ".gateway-" + id);
    children_.push_back({"gateway " + id,
                         {"--config", file, "--target", "gateway", "--gateway-id", id},
                         name + ".out",
                         name + ".log"});
  }
}

void ServerProcess::launch(Child& child) {
  std::filesystem::remove(child.out);
  std::vector<std::string> command{parleyd_path(),
                                   "--data",
                                   data_.string(),
                                   "--listen",
                                   "127.0.0.1:" + std::to_string(child.port),
                                   "--server-admin",
                                   "127.0.0.1:0"};
  command.insert(command.end(), child.arguments.begin(), child.arguments.end());
  for (const auto& argument : arguments_)
    if (argument != "--demo" || &child == &children_.back()) command.push_back(argument);
  child.pid = spawn(command, child.out, child.log, {});
}

bool ServerProcess::await(Child& child) {
  const bool up = in_time([&] {
    const auto out = read_file(child.out);
    if (out.find("listening on ") != std::string::npos) return true;
    int status = 0;
    if (waitpid(child.pid, &status, WNOHANG) != child.pid) return false;
    child.pid = -1;
    return true;
  });
  child.admin_port = port_after(read_file(child.out), "health    http://");
  return up && child.pid > 0;
}

void ServerProcess::start() {
  if (cluster_) cluster_->clear_dead();
  for (auto& child : children_) launch(child);
  for (auto& child : children_)
    if (!await(child)) FAIL() << "parleyd did not come up: " << log();
  if (children_.size() > 1) await_all_ready();
  if (cluster_) await_all_shards();
}

/// Those that came first may not have found the last yet.
void ServerProcess::await_all_ready() {
  for (auto& child : children_)
    if (!in_time([&] { return http(child.admin_port, "GET", "/readyz").body == "ready\n"; }))
      FAIL() << child.name << ": " << http(child.admin_port, "GET", "/readyz").body << log();
}

/// Each message process has its share, and everybody knows.
void ServerProcess::await_all_shards() {
  const bool shared = in_time([&] {
    return std::ranges::all_of(children_, [](const Child& child) {
      const auto now = http(child.admin_port, "GET", "/metrics").body;
      const auto owned = metric_in(now, "parley_shards_owned");
      return (owned == -1 || owned == kShards) &&
             (!child.name.starts_with("message") ||
              metric_in(now, "parley_shards_served") == kShards / 2);
    });
  });
  if (!shared) FAIL() << "shards without an owner: " << metrics() << log();
}

ServerProcess::Child& ServerProcess::child(const std::string& name) {
  const auto at = std::ranges::find(children_, name, &Child::name);
  if (at == children_.end()) throw std::invalid_argument("there is no process " + name);
  return *at;
}

void ServerProcess::signal(const std::string& name, int number) {
  ASSERT_EQ(::kill(child(name).pid, number), 0);
}

void ServerProcess::kill_hard(const std::string& name) {
  auto& one = child(name);
  ::kill(one.pid, SIGKILL);
  reap(std::exchange(one.pid, -1));
}

void ServerProcess::start(const std::string& name) {
  auto& one = child(name);
  launch(one);
  if (!await(one)) FAIL() << name << " did not come up: " << log();
  await_all_ready();
}

std::string ServerProcess::readiness(const std::string& name) {
  return http(child(name).admin_port, "GET", "/readyz").body;
}

std::string ServerProcess::metrics() const {
  std::string out;
  for (const auto& child : children_) out += http(child.admin_port, "GET", "/metrics").body;
  return out;
}

Ended ServerProcess::doctor(std::vector<std::string> more) const {
  std::vector<std::string> command{parleyd_path(), "doctor", "--data", data_.string()};
  if (children_.size() > 1) {
    command.insert(command.end(), {"--config", data_.string() + ".toml"});
    std::string admins;
    for (const auto& child : children_) {
      // Gateways and message processes of a cluster are to be found in ZooKeeper.
      if (cluster_ && child.name.find(' ') != std::string::npos) continue;
      auto name = child.name;
      std::ranges::replace(name, ' ', '-');
      admins +=
          (admins.empty() ? "" : ",") + name + "=127.0.0.1:" + std::to_string(child.admin_port);
    }
    command.insert(command.end(), {"--admin", admins});
  } else {
    command.insert(command.end(), {"--server-admin", "127.0.0.1:" + std::to_string(admin_port())});
  }
  command.insert(command.end(), more.begin(), more.end());
  return run_program(command);
}

ServerProcess::~ServerProcess() {
  if (pid() > 0) kill_hard();
}

std::uint16_t ServerProcess::next_port() {
  std::vector<std::uint16_t> ports;
  for (const auto& child : children_)
    if (child.gateway) ports.push_back(child.port);
  return ports[asked_++ % ports.size()];
}

void ServerProcess::signal(int number) const {
  for (auto child = children_.rbegin(); child != children_.rend(); ++child)
    ASSERT_EQ(::kill(child->pid, number), 0);
}

int ServerProcess::wait() {
  int code = 0;
  for (auto& child : children_)
    if (child.pid > 0)
      if (const int ended = reap(std::exchange(child.pid, -1)); ended != 0) code = ended;
  return code;
}

void ServerProcess::kill_hard() {
  for (const auto& child : children_)
    if (child.pid > 0) ::kill(child.pid, SIGKILL);
  wait();
}

std::string ServerProcess::log() const {
  std::string out;
  for (const auto& child : children_) out += read_file(child.log);
  return out;
}

}  // namespace parley::testing
