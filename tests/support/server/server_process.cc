#include "tests/support/server/server_process.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace parley::testing {
namespace {
using namespace std::chrono_literals;

template <class F>
bool within_30s(F condition) {
  const auto deadline = std::chrono::steady_clock::now() + 30s;
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
  const bool ended = within_30s([&] { return waitpid(pid, &status, WNOHANG) == pid; });
  if (!ended) {
    ADD_FAILURE() << "process " << pid << " did not end within 30 s";
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
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

ServerProcess::ServerProcess(std::filesystem::path data, std::vector<std::string> arguments)
    : data_(std::move(data)), log_(data_.string() + ".log"), arguments_(std::move(arguments)) {
  start();
}

void ServerProcess::start() {
  const std::filesystem::path out = data_.string() + ".out";
  std::filesystem::remove(out);
  std::vector<std::string> command{parleyd_path(),
                                   "--data",
                                   data_.string(),
                                   "--listen",
                                   "127.0.0.1:" + std::to_string(port_),
                                   "--server-admin",
                                   "127.0.0.1:0"};
  command.insert(command.end(), arguments_.begin(), arguments_.end());
  pid_ = spawn(command, out, log_, {});
  const bool up = within_30s([&] {
    port_ = std::max(port_, port_after(read_file(out), "listening on "));
    if (read_file(out).find("listening on ") != std::string::npos && port_ != 0) return true;
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return false;
    pid_ = -1;
    return true;
  });
  admin_port_ = port_after(read_file(out), "health    http://");
  if (!up || pid_ < 0) FAIL() << "parleyd did not come up: " << log();
}

ServerProcess::~ServerProcess() {
  if (pid_ > 0) kill_hard();
}
void ServerProcess::signal(int number) const { ASSERT_EQ(::kill(pid_, number), 0); }
int ServerProcess::wait() { return reap(std::exchange(pid_, -1)); }
void ServerProcess::kill_hard() {
  ::kill(pid_, SIGKILL);
  wait();
}
std::string ServerProcess::log() const { return read_file(log_); }

}  // namespace parley::testing
