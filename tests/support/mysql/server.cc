#include "tests/support/mysql/server.h"

#include <arpa/inet.h>
#include <chrono>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <random>
#include <soci/soci.h>
#include <sstream>
#include <stdexcept>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "adapters/shared/mysql/connection.h"

namespace parley::test {
namespace {

// The server takes no port 0. Below the range from which the system gives ports by itself.
std::uint16_t free_port() {
  std::mt19937 random(std::random_device{}());
  for (int attempt = 0; attempt < 200; ++attempt) {
    const auto port = static_cast<std::uint16_t>(20'000 + random() % 12'000);
    const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    const bool free = ::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
    ::close(fd);
    if (free) return port;
  }
  throw std::runtime_error("no free port on loopback");
}

pid_t spawn(const std::vector<std::string>& command, const std::filesystem::path& log) {
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("cannot fork");
  if (pid > 0) return pid;
  ::setpgid(0, 0);
  // What preloads or options of sanitizers are meant for this program stay with it.
  ::unsetenv("LD_PRELOAD");
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  ::dup2(out, 1);
  ::dup2(out, 2);
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

}  // namespace

MysqlServer::MysqlServer(std::vector<std::string> options)
    : options_(std::move(options)), port_(free_port()) {
  std::string pattern = (std::filesystem::temp_directory_path() / "parley-mysql-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("cannot make " + pattern);
  folder_ = pattern;
  const pid_t installing = spawn(
      command("mariadb-install-db", {"--auth-root-authentication-method=normal", "--skip-test-db"}),
      folder_ / "log");
  int status = -1;
  ::waitpid(installing, &status, 0);
  if (status != 0)
    throw std::runtime_error(
        "mariadb-install-db failed (Debian: mariadb-server-core, "
        "mariadb-client-core): " +
        log_end());
  start();
}

MysqlServer::~MysqlServer() {
  kill();
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void MysqlServer::kill() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

void MysqlServer::signal(int number) const { ::kill(pid_, number); }

std::vector<std::string> MysqlServer::command(const char* program,
                                              std::initializer_list<std::string> more) const {
  std::vector<std::string> all{program, "--no-defaults", "--user=root",
                               "--datadir=" + (folder_ / "data").string()};
  all.insert(all.end(), more);
  all.insert(all.end(), options_.begin(), options_.end());
  return all;
}

void MysqlServer::start(std::vector<std::string> other_options) {
  options_ = std::move(other_options);
  start();
}

void MysqlServer::start() {
  pid_ =
      spawn(command("mariadbd",
                    {"--socket=" + (folder_ / "s.sock").string(),
                     "--pid-file=" + (folder_ / "pid").string(), "--bind-address=127.0.0.1",
                     "--port=" + std::to_string(port_), "--innodb-buffer-pool-size=32M",
                     "--innodb-log-file-size=16M", "--innodb-flush-log-at-trx-commit=1",
                     "--performance-schema=OFF", "--skip-name-resolve", "--max-connections=200"}),
            folder_ / "log");
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (!answers()) {
    const bool ended = ::waitpid(pid_, nullptr, WNOHANG) == pid_;
    if (ended) pid_ = -1;
    if (ended || std::chrono::steady_clock::now() > until)
      throw std::runtime_error("mariadbd does not come up: " + log_end());
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

bool MysqlServer::answers() const {
  try {
    auto root = settings("");
    root.user = "root";
    root.password.clear();
    soci::session session;
    mysql::connect(session, root, mysql::Purpose::schema);
    session << "GRANT ALL ON *.* TO 'parley'@'127.0.0.1' IDENTIFIED BY 'it''s \\\\ secret'";
    return true;
  } catch (const std::exception&) {
    return false;
  }
}

mysql::Settings MysqlServer::settings(std::string database) const {
  mysql::Settings settings;
  settings.port = port_;
  settings.user = "parley";
  settings.password = "it's \\ secret";
  settings.database = std::move(database);
  return settings;
}

std::string MysqlServer::log_end() const {
  std::ifstream in(folder_ / "log");
  std::stringstream text;
  text << in.rdbuf();
  const auto all = text.str();
  return all.substr(all.size() - std::min<std::size_t>(all.size(), 2'000));
}

}  // namespace parley::test
