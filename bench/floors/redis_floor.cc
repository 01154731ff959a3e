// The floor of durable messages: Redis streams. Senders XADD, each to a stream of its own with W
// outstanding; as many receivers wait in a blocking XREAD. Prints one line of JSON.
#include <algorithm>
#include <arpa/inet.h>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <netinet/tcp.h>
#include <string>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <vector>
using Clock = std::chrono::steady_clock;
using Ms = std::chrono::duration<double, std::milli>;
struct Peer {
  int fd = -1;
  bool receives = false;
  std::string stream, last = "0-0", in, out;
  std::deque<Clock::time_point> asked;
  std::size_t ids = 0;  // in the answer being parsed
};

// The end of the value at `at`, nullptr if it is not all there. In what XREAD answers, the strings
// directly within the fourth array are the ids of entries.
static const char* parse(const char* at, const char* end, int depth, Peer& peer) {
  const char* line = std::find(at, end, '\n');
  if (line == end) return nullptr;
  if (*at == '-') std::fprintf(stderr, "redis: %.*s", int(line - at), at), std::exit(1);
  const long n = std::strtol(at + 1, nullptr, 10);
  const char* next = line + 1;
  if (*at == '*') {
    for (long i = 0; i < n && next != nullptr; ++i) next = parse(next, end, depth + 1, peer);
    return next;
  }
  if (n + 2 > end - next) return nullptr;
  if (depth == 4) peer.last.assign(next, static_cast<std::size_t>(n)), ++peer.ids;
  return next + n + 2;
}

int main(int argc, char** argv) {
  if (argc != 6) return std::puts("PORT SENDERS OUTSTANDING TEXT_BYTES SECONDS"), 2;
  const auto senders = std::stoul(argv[2]);
  const std::string text(std::stoul(argv[4]), 'x');
  const auto port = static_cast<std::uint16_t>(std::stoi(argv[1]));
  const sockaddr_in address{AF_INET, htons(port), {htonl(INADDR_LOOPBACK)}, {}};
  const auto ask = [&](Peer& peer) {
    const auto words = [](std::initializer_list<std::string> all) {
      std::string out = "*" + std::to_string(all.size()) + "\r\n";
      for (const auto& s : all) out += "$" + std::to_string(s.size()) + "\r\n" + s + "\r\n";
      return out;
    };
    peer.out += peer.receives ? words({"XREAD", "BLOCK", "0", "STREAMS", peer.stream, peer.last})
                              : words({"XADD", peer.stream, "*", "t", text});
    peer.asked.push_back(Clock::now());
  };
  const auto flush = [](Peer& peer) {
    const ssize_t sent = send(peer.fd, peer.out.data(), peer.out.size(), 0);
    if (sent != ssize_t(peer.out.size())) std::abort();
    peer.out.clear();
  };
  const int set = epoll_create1(0), on = 1;
  std::vector<Peer> peers(2 * senders);
  for (std::size_t i = peers.size(); i-- > 0;) {  // receivers first
    Peer& peer = peers[i];
    peer.receives = i >= senders;
    peer.stream = "s" + std::to_string(i % senders);
    peer.fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(peer.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      std::abort();
    setsockopt(peer.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    epoll_event event{.events = EPOLLIN, .data = {.ptr = &peer}};
    epoll_ctl(set, EPOLL_CTL_ADD, peer.fd, &event);
    for (int n = peer.receives ? 1 : std::stoi(argv[3]); n > 0; --n) ask(peer);
    flush(peer);
  }
  std::size_t delivered = 0;
  std::vector<double> times;  // of acknowledgements, in milliseconds
  const auto start = Clock::now(), until = start + std::chrono::seconds(std::stoi(argv[5]));
  for (epoll_event events[256]; Clock::now() < until;)
    for (int i = 0, n = epoll_wait(set, events, 256, 100); i < n; ++i) {
      static char buffer[1 << 18];
      Peer& peer = *static_cast<Peer*>(events[i].data.ptr);
      peer.in.append(buffer, std::max(0L, recv(peer.fd, buffer, sizeof buffer, 0)));
      const char *at = peer.in.data(), *end = at + peer.in.size(), *next;
      for (; at < end && (peer.ids = 0, next = parse(at, end, 0, peer)) != nullptr; at = next) {
        if (!peer.receives) times.push_back(Ms(Clock::now() - peer.asked.front()).count());
        peer.asked.pop_front();
        delivered += peer.ids;
        ask(peer);
      }
      peer.in.erase(0, static_cast<std::size_t>(at - peer.in.data()));
      flush(peer);
    }
  const double seconds = Ms(Clock::now() - start).count() / 1e3;
  std::sort(times.begin(), times.end());
  std::printf(R"({"per_second":%.1f,"delivered_per_second":%.1f,"p99_ms":%.4f})",
              double(times.size()) / seconds, double(delivered) / seconds,
              times.empty() ? 0 : times[times.size() * 99 / 100]);
}
