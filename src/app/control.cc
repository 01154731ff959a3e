#include "app/control.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/log.h"
#include "base/one_line.h"
#include "base/thread.h"

namespace parley::app {
namespace {

// Lines. Asked: `backup PATH`. Answered: `at DONE TOTAL WHAT` any number of times, then `done` or
// `failed SENTENCE`.
constexpr const char* kName = "control";
constexpr int kPatienceMs = 5'000;  // for a request's line

std::unexpected<Error> cannot(std::string_view what) {
  return fail(Code::unavailable, fmt::format("cannot {}: {}", what, std::strerror(errno)));
}

/// The socket's address by way of its folder's descriptor: a path of any length fits.
class Address {
 public:
  explicit Address(const std::filesystem::path& data)
      : folder_(::open(data.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {
    address_.sun_family = AF_UNIX;
    const auto path = fmt::format("/proc/self/fd/{}/{}", folder_, kName);
    path.copy(address_.sun_path, sizeof address_.sun_path - 1);
  }
  ~Address() {
    if (folder_ >= 0) ::close(folder_);
  }
  Address(const Address&) = delete;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&address_); }
  static constexpr socklen_t size() { return sizeof(sockaddr_un); }

 private:
  const int folder_;
  sockaddr_un address_{};
};

int new_socket() { return ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0); }

/// Nobody is waited for who does not read.
bool send_line(int fd, std::string_view text) {
  const auto line = fmt::format("{}\n", text);
  return ::send(fd, line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT) ==
         static_cast<ssize_t>(line.size());
}

/// The next line, without its end; none at the end, or after `patience_ms` (-1: for ever).
std::optional<std::string> read_line(int fd, std::string& kept, int patience_ms) {
  for (;;) {
    if (const auto end = kept.find('\n'); end != std::string::npos) {
      auto line = kept.substr(0, end);
      kept.erase(0, end + 1);
      return line;
    }
    pollfd wait{fd, POLLIN, 0};
    char buffer[4096];
    if (kept.size() > 1 << 16 || ::poll(&wait, 1, patience_ms) <= 0) return std::nullopt;
    const auto got = ::recv(fd, buffer, sizeof buffer, 0);
    if (got <= 0) return std::nullopt;
    kept.append(buffer, static_cast<std::size_t>(got));
  }
}

/// Whether the other side runs as this user, or as root.
bool is_trusted(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 &&
         (peer.uid == 0 || peer.uid == ::geteuid());
}

}  // namespace

Result<std::unique_ptr<Control>> Control::open(const std::filesystem::path& data, Backup backup) {
  const Address address(data);
  const int listener = new_socket();
  if (listener < 0) return cannot("make a socket");
  // The stores' locks say that no other server is here: a socket is one of the dead.
  ::unlink((data / kName).c_str());
  if (::bind(listener, address.get(), Address::size()) != 0 || ::listen(listener, 4) != 0) {
    auto error = cannot(fmt::format("listen on {}", (data / kName).string()));
    ::close(listener);
    return error;
  }
  ::chmod((data / kName).c_str(), 0600);
  return std::unique_ptr<Control>(
      new Control(listener, ::eventfd(0, EFD_CLOEXEC), data / kName, std::move(backup)));
}

Control::Control(int listener, int wake, std::filesystem::path socket, Backup backup)
    : listener_(listener),
      wake_(wake),
      socket_(std::move(socket)),
      backup_(std::move(backup)),
      thread_([this] { run(); }) {}

Control::~Control() {
  stopping_ = true;
  const std::uint64_t one = 1;
  if (::write(wake_, &one, sizeof one) != sizeof one) log::error("control", "event=not_woken");
  thread_.join();
  ::close(listener_);
  ::close(wake_);
  ::unlink(socket_.c_str());
}

void Control::run() {
  name_thread("control");
  step_back();
  for (;;) {
    pollfd wait[] = {{listener_, POLLIN, 0}, {wake_, POLLIN, 0}};
    if (::poll(wait, 2, -1) < 0) continue;
    if (wait[1].revents) return;
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (client < 0) continue;
    answer(client);
    ::close(client);
  }
}

void Control::answer(int client) {
  if (!is_trusted(client)) {
    send_line(client, "failed only the user whom the server runs as, or root, may ask for that");
    return;
  }
  std::string kept;
  const auto line = read_line(client, kept, kPatienceMs);
  if (!line || !line->starts_with("backup ")) {
    send_line(client, "failed this server knows no such request");
    return;
  }
  const std::filesystem::path into = line->substr(7);
  log::info("backup", "event=begun into={}", into.string());
  auto told = std::chrono::steady_clock::time_point();
  const auto done = backup_(
      into, [&](const std::string& what, std::uint64_t at, std::uint64_t total) -> Result<void> {
        if (stopping_) return fail(Code::unavailable, "the server stops: this is no backup");
        const auto now = std::chrono::steady_clock::now();
        if (at != total && now - told < std::chrono::milliseconds(100)) return {};
        told = now;
        send_line(client, fmt::format("at {} {} {}", at, total, what));  // nobody need look on
        return {};
      });
  if (done)
    log::info("backup", "event=done into={}", into.string());
  else
    log::error("backup", "event=failed into={} reason=\"{}\"", into.string(), done.error().message);
  send_line(client, done ? "done" : "failed " + one_line(done.error().message));
}

Result<bool> ask_for_backup(const std::filesystem::path& data, const std::filesystem::path& into,
                            const BackupProgress& progress) {
  const Address address(data);
  const int fd = new_socket();
  if (fd < 0) return cannot("make a socket");
  const std::unique_ptr<const int, void (*)(const int*)> closed(&fd,
                                                                [](const int* s) { ::close(*s); });
  if (::connect(fd, address.get(), Address::size()) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED || errno == EBADF) return false;
    return cannot(fmt::format("ask the server on {}", data.string()));
  }
  send_line(fd, "backup " + into.string());
  std::string kept;
  while (const auto line = read_line(fd, kept, -1)) {
    if (*line == "done") return true;
    if (line->starts_with("failed ")) return fail(Code::unavailable, line->substr(7));
    std::uint64_t done = 0, total = 0;
    const char* const end = line->data() + line->size();
    if (!line->starts_with("at ")) continue;
    auto at = std::from_chars(line->data() + 3, end, done).ptr;
    if (at != end) at = std::from_chars(at + 1, end, total).ptr;
    if (at != end) PARLEY_TRY_VOID(progress(std::string(at + 1, end), done, total));
  }
  return fail(Code::unavailable,
              "the server ended before the backup was complete: its folder is of no use");
}

}  // namespace parley::app
