#include "client/connection.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <fmt/format.h>
#include <parley/v1/frames.pb.h>

#include "base/codes.h"
#include "client/stream.h"

namespace parley::client {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using boost::system::error_code;
using std::chrono::milliseconds;
using std::chrono::steady_clock;
using Socket = websocket::stream<Stream>;

namespace {

constexpr char kSubprotocol[] = "parley.v1.pb";
constexpr auto kUse = asio::as_tuple(asio::use_awaitable);
constexpr auto kConnectPatience = std::chrono::seconds(10);
constexpr std::size_t kBatchBytes =
    48 * 1024;  // with one more frame it stays below what welcome announces
constexpr int kBatchFrames = 128;

bool is_about_token(const Failure& failure) {
  return failure.code == "token_expired" || failure.code == "unauthenticated" ||
         failure.code == "bad_token" || failure.code == "access_expired";
}

/// Time on the steady clock of an instant given in milliseconds since 1970.
Time steady_at(std::int64_t unix_ms) {
  return steady_clock::now() + milliseconds(unix_ms - wall_ms());
}

/// Takes frames off the front, as many as one WebSocket message may hold.
std::string next_batch(std::vector<v1::ClientFrame>& frames) {
  v1::ClientBatch batch;
  std::size_t bytes = 0;
  auto next = frames.begin();
  while (next != frames.end() && batch.frames_size() < kBatchFrames && bytes < kBatchBytes) {
    bytes += next->ByteSizeLong();
    *batch.add_frames() = std::move(*next++);
  }
  frames.erase(frames.begin(), next);
  return batch.SerializeAsString();
}

}  // namespace

struct Connection::End {
  Failure failure;
  bool come_back = true;
};

/// One connection's life; the coroutines below share it.
struct Connection::Link {
  explicit Link(asio::any_io_executor executor) : socket(executor) {}
  void end(End why) {
    if (!over) over = std::move(why);
  }
  Socket socket;
  std::optional<End> over;
};

Connection::Connection(asio::any_io_executor executor, Api& api, Session& session,
                       std::function<void(const LinkState&)> on_link)
    : api_(api), session_(session), on_link_(std::move(on_link)), wake_(executor) {}

void Connection::stop() {
  stopped_ = true;
  wake();
  if (connecting_) connecting_->socket.next_layer().close();
}

Awaitable<Outcome<void>> Connection::run() {
  int failures = 0;
  int token_failures = 0;
  while (!stopped_) {
    was_online_ = false;
    auto end = co_await connect_once();
    connecting_ = nullptr;
    session_.closed();
    if (stopped_) break;
    if (was_online_) failures = token_failures = 0;
    if (is_about_token(end.failure) && ++token_failures <= 3) co_await renew_credentials(end);
    if (end.failure.field == "cursor") session_.forget_cursor(), end.come_back = true;
    if (!end.come_back) co_return std::unexpected(std::move(end.failure));
    auto wait = backoff(failures++, random_unit());
    wait = std::max(wait, milliseconds(end.failure.retry_after_ms));
    if (const auto drain = session_.take_come_back_after())
      wait = *drain + milliseconds(static_cast<int>(random_unit() * 500));
    on_link_({.online = false, .why = describe(end.failure), .retry = wait});
    wake_.expires_after(wait);
    while (!stopped_ && steady_clock::now() < wake_.expiry()) co_await wake_.async_wait(kUse);
  }
  co_return Outcome<void>{};
}

/// The token or ticket was refused: the next try has a better one, or there is none.
Awaitable<void> Connection::renew_credentials(End& end) {
  end.come_back = true;
  if (session_.used_ticket()) {
    session_.forget_ticket();
    co_return;
  }
  auto token = co_await api_.refresh(tried_token_);
  if (token) co_return;
  end.come_back = token.error().retryable;
  end.failure = std::move(token.error());
}

Awaitable<Connection::End> Connection::connect_once() {
  auto token = co_await api_.access_token();
  if (!token) co_return End{token.error(), token.error().retryable};
  tried_token_ = *token;

  Link link(wake_.get_executor());
  const auto& server = api_.server();
  const auto cannot = [&](const error_code& ec) {
    return End{
        unreachable(fmt::format("cannot reach {}: {}", server.text(), ec.message())).error()};
  };
  connecting_ = &link;
  auto& stream = link.socket.next_layer();
  if (const auto trouble = co_await stream.connect(server, kConnectPatience)) {
    if (trouble.ec) co_return cannot(trouble.ec);
    co_return End{failed(trouble.distrust).error(), false};
  }
  stream.tcp().expires_never();

  link.socket.set_option(websocket::stream_base::timeout{
      .handshake_timeout = kConnectPatience,
      .idle_timeout = std::chrono::seconds(60),  // half of it silent: a ping; all of it: broken
      .keep_alive_pings = true});
  link.socket.set_option(websocket::stream_base::decorator([](websocket::request_type& request) {
    request.set(beast::http::field::sec_websocket_protocol, kSubprotocol);
  }));
  link.socket.read_message_max(16 * 1024 * 1024);
  link.socket.binary(true);
  websocket::response_type response;
  auto [ec] = co_await link.socket.async_handshake(response, server.authority(), "/v1/ws", kUse);
  if (ec == websocket::error::upgrade_declined) {
    const auto status = response.result_int();
    co_return End{
        {.code = {},
         .message = fmt::format("{} declined the connection with HTTP {}", server.text(), status),
         .retryable = status == 429 || status >= 500},
        status == 429 || status >= 500};
  }
  if (ec) co_return cannot(ec);
  if (response[beast::http::field::sec_websocket_protocol] != kSubprotocol)
    co_return End{failed(fmt::format("{} does not speak {}: is it a Parley server?", server.text(),
                                     kSubprotocol))
                      .error(),
                  false};

  connecting_ = nullptr;
  session_.opened(*token, steady_clock::now());
  using namespace asio::experimental::awaitable_operators;
  co_await (read_frames(link) && write_frames(link));
  co_return std::move(*link.over);
}

/// Why a read ended, as far as the socket knows.
Connection::End Connection::end_of(Link& link, const error_code& ec) const {
  if (const auto& refusal = session_.refusal()) return End{*refusal, refusal->retryable};
  if (ec != websocket::error::closed)
    return End{unreachable(fmt::format("the connection broke: {}", ec.message())).error()};
  const auto number = static_cast<std::uint16_t>(link.socket.reason().code);
  const auto& row = parley::describe(static_cast<CloseCode>(number));
  const bool ours = number >= 4000 && number <= 4999;
  const bool come_back = row.number ? row.retryable : ours ? number < 4500 : true;
  const auto& reason = link.socket.reason().reason;
  const std::string_view said(reason.data(), reason.size());
  return End{{.code = std::string(row.number ? row.name : "closed"),
              .message = std::string(!said.empty() ? said
                                     : row.number  ? row.meaning
                                                   : "the server closed"),
              .retryable = come_back},
             come_back};
}

Awaitable<void> Connection::read_frames(Link& link) {
  beast::flat_buffer buffer;
  while (!link.over) {
    auto [ec, n] = co_await link.socket.async_read(buffer, kUse);
    if (ec) {
      link.end(end_of(link, ec));
      break;
    }
    v1::ServerBatch batch;
    if (!link.socket.got_binary() ||
        !batch.ParseFromArray(buffer.cdata().data(), static_cast<int>(buffer.size()))) {
      link.end({failed("the server sent something that is not a Parley message").error(), false});
      break;
    }
    buffer.consume(buffer.size());
    for (const auto& frame : batch.frames()) session_.received(frame, steady_clock::now());
    if (session_.online() && !std::exchange(was_online_, true))
      on_link_({.online = true, .why = {}});
    if (session_.refusal()) link.end(end_of(link, {}));
    wake();
  }
  link.socket.next_layer().close();
  wake();
}

Awaitable<void> Connection::write_frames(Link& link) {
  std::vector<v1::ClientFrame> frames;
  auto refresh_at = steady_at(api_.refresh_at_ms());
  while (!link.over) {
    const auto now = steady_clock::now();
    session_.tick(now);
    if (session_.stalled()) {
      link.end({unreachable("the server does not answer").error()});
      break;
    }
    if (session_.online() && now >= refresh_at) {
      auto token = co_await api_.refresh(tried_token_);
      if (token) session_.renew_token(tried_token_ = *token, steady_clock::now());
      // Not now, then: the next connection will tell whether it matters.
      refresh_at = token ? steady_at(api_.refresh_at_ms()) : now + std::chrono::seconds(10);
      refresh_at = std::max(refresh_at, now + std::chrono::seconds(1));
    }
    auto fresh = session_.take_frames();
    std::ranges::move(fresh, std::back_inserter(frames));
    if (!frames.empty()) {
      const auto bytes = next_batch(frames);
      if (auto [ec, n] = co_await link.socket.async_write(asio::buffer(bytes), kUse); ec) {
        link.end({unreachable(fmt::format("the connection broke: {}", ec.message())).error()});
        break;
      }
      continue;
    }
    if (stopped_) {
      link.end({failed("stopped").error(), false});
      co_await link.socket.async_close(websocket::close_code::normal, kUse);
      break;
    }
    wake_.expires_at(std::min(session_.next_tick(), refresh_at));
    co_await wake_.async_wait(kUse);
  }
  link.socket.next_layer().close();
}

}  // namespace parley::client
