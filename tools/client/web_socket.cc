#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <fmt/format.h>

#include "client/stream.h"
#include "client/wire.h"

namespace parley::client {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;

namespace {

constexpr char kSubprotocol[] = "parley.v1.pb";
constexpr auto kUse = asio::as_tuple(asio::use_awaitable);

/// Takes frames off the front, as many as one WebSocket message may have.
std::string next_batch(std::vector<v1::ClientFrame>& frames) {
  v1::ClientBatch batch;
  std::size_t bytes = 0;
  auto next = frames.begin();
  while (next != frames.end() && std::size_t(batch.frames_size()) < kBatchFrames) {
    bytes += next->ByteSizeLong();
    if (bytes > kBatchBytes && batch.frames_size()) break;
    *batch.add_frames() = std::move(*next++);
  }
  frames.erase(frames.begin(), next);
  return batch.SerializeAsString();
}

class WebSocket final : public Wire {
 public:
  WebSocket(asio::any_io_executor executor, const Endpoint& server)
      : server_(server), socket_(executor) {}

  Awaitable<std::expected<void, End>> open() override;
  Awaitable<std::expected<Frames, End>> read() override;
  Awaitable<std::expected<Frames, End>> write(std::vector<v1::ClientFrame>& frames) override;
  std::chrono::milliseconds silence() const override { return std::chrono::hours(24); }  // it pings
  Awaitable<void> close() override {
    co_await socket_.async_close(websocket::close_code::normal, kUse);
  }
  void cut() override { socket_.next_layer().close(); }

 private:
  std::unexpected<End> cannot(const error_code& ec) const {
    return std::unexpected(
        End{unreachable(fmt::format("cannot reach {}: {}", server_.text(), ec.message())).error()});
  }

  const Endpoint& server_;
  websocket::stream<Stream> socket_;
  beast::flat_buffer buffer_;
};

Awaitable<std::expected<void, End>> WebSocket::open() {
  auto& stream = socket_.next_layer();
  if (const auto trouble = co_await stream.connect(server_, kConnectPatience)) {
    if (trouble.ec) co_return cannot(trouble.ec);
    co_return std::unexpected(End{failed(trouble.distrust).error(), false});
  }
  stream.tcp().expires_never();

  socket_.set_option(websocket::stream_base::timeout{
      .handshake_timeout = kConnectPatience,
      .idle_timeout = std::chrono::seconds(60),  // half of it silent: a ping; all of it: broken
      .keep_alive_pings = true});
  socket_.set_option(websocket::stream_base::decorator([](websocket::request_type& request) {
    request.set(beast::http::field::sec_websocket_protocol, kSubprotocol);
  }));
  socket_.read_message_max(16 * 1024 * 1024);
  socket_.binary(true);
  websocket::response_type response;
  auto [ec] = co_await socket_.async_handshake(response, server_.authority(), "/v1/ws", kUse);
  if (ec == websocket::error::upgrade_declined) {
    const auto status = response.result_int();
    const bool later = asks_for_later(status);
    co_return std::unexpected(
        End{{.code = {},
             .message = fmt::format("{} declined the connection with HTTP {}{}", server_.text(),
                                    status, later ? "" : ": does --transport http work?"),
             .retryable = later},
            later});
  }
  if (ec) co_return cannot(ec);
  if (response[beast::http::field::sec_websocket_protocol] != kSubprotocol)
    co_return std::unexpected(End{failed(fmt::format("{} does not speak {}: is it a Parley server?",
                                                     server_.text(), kSubprotocol))
                                      .error(),
                                  false});
  co_return std::expected<void, End>{};
}

Awaitable<std::expected<Wire::Frames, End>> WebSocket::read() {
  auto [ec, n] = co_await socket_.async_read(buffer_, kUse);
  if (ec == websocket::error::closed) {
    const auto& reason = socket_.reason().reason;
    co_return std::unexpected(
        closed_by(socket_.reason().code, std::string_view(reason.data(), reason.size())));
  }
  if (ec) co_return broke(ec.message());
  v1::ServerBatch batch;
  if (!socket_.got_binary() ||
      !batch.ParseFromArray(buffer_.cdata().data(), static_cast<int>(buffer_.size())))
    co_return std::unexpected(
        End{failed("the server sent something that is not a Parley message").error(), false});
  buffer_.consume(buffer_.size());
  co_return Frames(batch.frames().begin(), batch.frames().end());
}

Awaitable<std::expected<Wire::Frames, End>> WebSocket::write(std::vector<v1::ClientFrame>& frames) {
  const auto bytes = next_batch(frames);
  if (auto [ec, n] = co_await socket_.async_write(asio::buffer(bytes), kUse); ec)
    co_return broke(ec.message());
  co_return Frames{};
}

}  // namespace

std::unique_ptr<Wire> web_socket(asio::any_io_executor executor, const Endpoint& server) {
  return std::make_unique<WebSocket>(executor, server);
}

}  // namespace parley::client
