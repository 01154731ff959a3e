// A WebSocket echo server made of net/ and base/ alone: what the protocol conformance test talks
// to. echo_server [--port N]; prints `listening 127.0.0.1:PORT`, and runs until SIGTERM or SIGINT.
#include <boost/asio.hpp>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <string_view>

#include "net/edge.h"
#include "net/listener.h"

namespace parley::net {
namespace {

class Echo final : public EdgeHandler {
 public:
  void attach(Edge& edge) { edge_ = &edge; }

  void on_open(ConnectionId id, unsigned, std::string_view) override { edge_->hello_done(id); }
  void on_message(ConnectionId id, bool binary, std::string_view payload) override {
    // Output is bounded: a peer that sends without reading is not read in turn.
    if (edge_->send(id, encode_message(binary, payload)) == Edge::Sent::full) edge_->pause(id);
  }
  void on_drained(ConnectionId id) override { edge_->resume(id); }
  void on_close(ConnectionId, CloseCode) override {}
  void on_http(ConnectionId id, HttpRequest&&) override {
    edge_->respond(id, {.content_type = "text/plain", .body = "a WebSocket echo server\n"});
  }
  void on_turn_end() override {}

 private:
  Edge* edge_ = nullptr;
};

int run(std::uint16_t port) {
  constexpr std::size_t kMaxMessage = 16 * 1024 * 1024;
  boost::asio::io_context io(1);
  SystemClock clock;
  Echo echo;
  Edge edge(io,
            {.max_message = kMaxMessage,
             .output_high_water = kMaxMessage,
             .output_limit = 2 * kMaxMessage + 1024 * 1024,
             .allow_no_subprotocol = true},
            echo, clock, nullptr);
  echo.attach(edge);
  auto listener = Listener::open(io, "127.0.0.1", port, {&edge});
  if (!listener) {
    std::fprintf(stderr, "echo_server: %s\n", listener.error().message.c_str());
    return 1;
  }
  boost::asio::signal_set signals(io, SIGTERM, SIGINT);
  signals.async_wait([&](boost::system::error_code, int) {
    (*listener)->stop();
    edge.shutdown(CloseCode::going_away, "the server stops", [&] { io.stop(); });
  });
  std::printf("listening 127.0.0.1:%u\n", (*listener)->port());
  std::fflush(stdout);
  io.run();
  return 0;
}

}  // namespace
}  // namespace parley::net

int main(int argc, char** argv) {
  std::uint16_t port = 0;
  if (argc == 3 && std::string_view(argv[1]) == "--port") {
    const std::string_view text = argv[2];
    if (std::from_chars(text.data(), text.data() + text.size(), port).ptr ==
        text.data() + text.size())
      return parley::net::run(port);
  }
  if (argc == 1) return parley::net::run(0);
  std::fprintf(stderr, "usage: echo_server [--port N]\n");
  return 2;
}
