// Input: steps, each a byte that says what to do, and for bytes to send their number and
// themselves. The owner, too, does as the input says, from within its callbacks.
#include <boost/asio.hpp>
#include <deque>
#include <fcntl.h>
#include <set>
#include <string>

#include "base/check.h"
#include "net/edge.h"

namespace parley::net {
namespace {

using namespace std::chrono_literals;

class Owner final : public EdgeHandler {
 public:
  explicit Owner(std::deque<std::uint8_t>& input) : input_(input) {}

  std::uint8_t draw() {
    if (input_.empty()) return 0;
    const auto byte = input_.front();
    input_.pop_front();
    return byte;
  }

  void act(ConnectionId id, std::string_view payload) {
    auto& e = *edge;
    const auto what = draw();
    switch (what % 10) {
      case 0:
      case 1:
        e.send(id, encode_message(what & 16, payload));
        break;
      case 2:
        e.send(id, encode_message(true, std::string(std::size_t{what} * 8, 'x')));
        break;
      case 3:
        e.pause(id);
        break;
      case 4:
        e.resume(id);
        break;
      case 5:
        e.close(id, CloseCode::normal, payload);
        break;
      case 6:
        e.hello_done(id);
        break;
      case 7:
        e.respond(id, {.body = std::string(payload)});
        break;
      case 8:
        e.pause(id);
        e.resume(id);
        break;
      default:
        if (what & 16) {
          e.heard(id);
          if (e.stream(id)) PARLEY_CHECK(open.insert(id).second, "a stream once");
        }
        if (!payload.empty()) touched += payload.back();  // it is still there
        break;
    }
    if (!payload.empty()) touched += payload.front();
  }

  void on_open(ConnectionId id, unsigned, std::string_view) override {
    PARLEY_CHECK(open.insert(id).second, "on_open once");
    last = id;
    act(id, "opened");
  }
  void on_message(ConnectionId id, bool, std::string_view payload) override {
    PARLEY_CHECK(open.contains(id), "no message after on_close or before on_open");
    act(id, payload);
  }
  void on_drained(ConnectionId id) override {
    PARLEY_CHECK(open.contains(id), "nothing after on_close");
    act(id, "drained");
  }
  void on_close(ConnectionId id, CloseCode code) override {
    PARLEY_CHECK(open.erase(id) == 1, "on_close once per on_open or stream");
    PARLEY_CHECK(code != CloseCode{0}, "on_close says why");
    act(id, "closed");
  }
  void on_http(ConnectionId id, HttpRequest&& request) override {
    last = id;
    act(id, request.target);
  }
  void on_turn_end() override {
    if (last && !input_.empty() && input_.front() % 8 == 3) act(last, "turn end");
  }

  Edge* edge = nullptr;
  ConnectionId last;
  std::set<ConnectionId> open;
  unsigned touched = 0;

 private:
  std::deque<std::uint8_t>& input_;
};

void run(std::deque<std::uint8_t> input) {
  boost::asio::io_context io(1);
  ManualClock clock;
  Owner owner(input);
  Edge edge(io,
            {.max_message = 300,
             .max_http_body = 200,
             .max_http_header = 400,
             .output_high_water = 1000,
             .output_limit = 3000,
             .max_connections = 3,
             .tick = 1ms,
             .allow_no_subprotocol = true},
            owner, clock, nullptr);
  owner.edge = &edge;
  std::vector<UniqueFd> peers;
  const auto settle = [&] { io.poll(); };
  const auto send = [&](std::string_view bytes) {
    if (!peers.empty())
      (void)::send(peers.back().get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  };
  while (!input.empty()) {
    const auto step = owner.draw();
    switch (step % 8) {
      case 0: {
        int fds[2];
        PARLEY_CHECK(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds) == 0, "socketpair");
        const int small = 2048;
        ::setsockopt(fds[0], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
        std::vector<UniqueFd> adopted;
        adopted.emplace_back(fds[0]);
        peers.emplace_back(fds[1]);
        if (peers.size() > 4) peers.erase(peers.begin());
        edge.adopt(std::move(adopted));
        break;
      }
      case 1:
      case 2: {
        std::string bytes;
        for (std::size_t left = owner.draw(); left > 0 && !input.empty(); --left)
          bytes += static_cast<char>(owner.draw());
        send(bytes);
        break;
      }
      case 3:
        send(
            "GET / HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
        break;
      case 4: {
        char sink[4096];
        if (!peers.empty()) (void)::recv(peers.back().get(), sink, sizeof sink, MSG_DONTWAIT);
        break;
      }
      case 5:
        clock.advance(std::chrono::seconds(step));
        io.run_for(2ms);
        break;
      case 6:
        if (!peers.empty()) peers.pop_back();
        break;
      default:
        owner.act(owner.last, "outside a turn");
        break;
    }
    settle();
  }
  bool done = false;
  edge.shutdown(CloseCode::going_away, "", [&] { done = true; });
  for (int i = 0; i < 1000 && !done; ++i) {
    clock.advance(10s);
    io.run_for(1ms);
  }
  PARLEY_CHECK(done && edge.connections() == 0, "shutdown ends");
  PARLEY_CHECK(owner.open.empty(), "every on_open has its on_close");
}

}  // namespace
}  // namespace parley::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size <= 4096) parley::net::run({data, data + size});
  return 0;
}
