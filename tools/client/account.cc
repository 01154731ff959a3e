#include "client/account.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/json.h"

namespace parley::client {
namespace fs = std::filesystem;
namespace {

std::unexpected<Failure> io_failure(std::string_view doing, const fs::path& path) {
  return failed(fmt::format("{} {}: {}", doing, path.string(), std::strerror(errno)));
}

bool is_profile_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && name.front() != '.' &&
         std::ranges::all_of(name, [](unsigned char c) {
           return std::isalnum(c) || c == '_' || c == '.' || c == '-';
         });
}

/// Closes its descriptor; a lock taken on it goes with it.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

int open_lock(const fs::path& path) {
  return ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

}  // namespace

fs::path state_folder() {
  if (const char* xdg = std::getenv("XDG_STATE_HOME"); xdg && *xdg) return fs::path(xdg) / "parley";
  const char* home = std::getenv("HOME");
  return fs::path(home ? home : ".") / ".local" / "state" / "parley";
}

Account::RefreshLock::~RefreshLock() {
  if (fd_ >= 0) ::close(fd_);
}

Outcome<Account> Account::create(const fs::path& folder, const std::string& profile,
                                 AccountState state) {
  if (!is_profile_name(profile))
    return failed(fmt::format("\"{}\" cannot name a profile: use letters, digits, _ . -", profile));
  std::error_code ec;
  fs::create_directories(folder, ec);
  if (ec)
    return failed(fmt::format("cannot make the folder {}: {}", folder.string(), ec.message()));
  ::chmod(folder.c_str(), 0700);
  Account account(folder, profile);
  const auto stored = account.update([&](AccountState& now) { now = std::move(state); });
  if (!stored) return std::unexpected(stored.error());
  return account;
}

Outcome<Account> Account::load(const fs::path& folder, const std::string& profile) {
  Account account(folder, profile);
  const auto read = account.reload();
  if (!read) return std::unexpected(read.error());
  return account;
}

std::vector<std::string> Account::list(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ec;
  for (const auto& item : fs::directory_iterator(folder, ec))
    if (item.path().extension() == ".json") names.push_back(item.path().stem().string());
  std::ranges::sort(names);
  return names;
}

Outcome<void> Account::reload() {
  const auto path = file(".json");
  std::ifstream in(path, std::ios::binary);
  if (!in) return io_failure("cannot read", path);
  std::ostringstream text;
  text << in.rdbuf();
  AccountState read;
  if (!from_json(text.str(), read))
    return failed(fmt::format("{} is damaged: move it away and sign in again", path.string()));
  state_ = std::move(read);
  return {};
}

Outcome<void> Account::update(const std::function<void(AccountState&)>& change) {
  const Descriptor lock{open_lock(file(".lock"))};
  if (lock.fd < 0 || ::flock(lock.fd, LOCK_EX) != 0)
    return io_failure("cannot lock", file(".lock"));
  if (fs::exists(file(".json")))
    if (const auto read = reload(); !read) return read;
  change(state_);
  return write();
}

Outcome<void> Account::write() {
  const auto path = file(".json");
  const auto fresh = file(".json.new");
  const Descriptor out{::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
  if (out.fd < 0 || ::fchmod(out.fd, 0600) != 0 || !write_all(out.fd, to_json(state_) + "\n") ||
      ::fsync(out.fd) != 0)
    return io_failure("cannot write", fresh);
  if (::rename(fresh.c_str(), path.c_str()) != 0) return io_failure("cannot replace", path);
  const Descriptor folder{::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (folder.fd < 0 || ::fsync(folder.fd) != 0) return io_failure("cannot sync", folder_);
  return {};
}

Outcome<void> Account::remove() {
  std::error_code ec;
  fs::remove(file(".json"), ec);
  if (ec) return failed(fmt::format("cannot remove {}: {}", file(".json").string(), ec.message()));
  fs::remove(file(".lock"), ec);
  fs::remove(file(".refresh.lock"), ec);
  return {};
}

Outcome<std::optional<Account::RefreshLock>> Account::try_lock_refresh() {
  const auto path = file(".refresh.lock");
  const int fd = open_lock(path);
  if (fd < 0) return io_failure("cannot open", path);
  std::optional<RefreshLock> lock(std::in_place, fd);
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK) return std::nullopt;
  return io_failure("cannot lock", path);
}

}  // namespace parley::client
