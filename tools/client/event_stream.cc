#include <boost/asio/as_tuple.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <fmt/format.h>

#include "client/json.h"
#include "client/stream.h"
#include "client/wire.h"

namespace parley::client {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using namespace asio::experimental::awaitable_operators;
using boost::system::error_code;

namespace {

constexpr auto kUse = asio::as_tuple(asio::use_awaitable);
constexpr auto kSilence = std::chrono::seconds(60);  // the server comments every 25 s
constexpr std::size_t kMaxEvent = 16 * 1024 * 1024;

/// Frames of the front as a JSON array, as many as one POST may have; how many they are.
std::pair<std::string, std::size_t> next_batch(const std::vector<v1::ClientFrame>& frames) {
  std::string batch = "[" + to_json(frames[0]);
  std::size_t count = 1;
  for (; count < frames.size() && count < kBatchFrames; ++count) {
    const auto next = to_json(frames[count]);
    if (batch.size() + next.size() > kBatchBytes) break;
    batch += "," + next;
  }
  return {batch + "]", count};
}

/// Server-sent events one way (WHATWG HTML, section 9.2), a POST at a time the other.
class EventStream final : public Wire {
 public:
  EventStream(asio::any_io_executor executor, Api& api)
      : api_(api), stream_(executor), changed_(executor, asio::steady_timer::time_point::max()) {}

  Awaitable<std::expected<void, End>> open() override;
  Awaitable<std::expected<Frames, End>> read() override;
  Awaitable<std::expected<Frames, End>> write(std::vector<v1::ClientFrame>& frames) override;
  std::chrono::milliseconds silence() const override { return std::chrono::seconds(25); }
  Awaitable<void> close() override {
    cut();
    co_return;
  }
  void cut() override {
    over_ = true;
    stream_.close();
    changed_.cancel();
  }

 private:
  Awaitable<std::expected<void, End>> begin(const v1::ClientFrame& hello);
  Awaitable<void> change() { co_await changed_.async_wait(kUse); }
  Awaitable<void> ended() {
    while (!over_) co_await change();
  }
  std::expected<Frames, End> event(std::string_view event);

  Api& api_;
  Stream stream_;
  beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;  // its body is what was not used up yet
  asio::steady_timer changed_;                       // one of these:
  bool begun_ = false;                               // hello is answered
  bool over_ = false;
  std::uint64_t session_ = 0;  // from welcome on
};

Awaitable<std::expected<void, End>> EventStream::open() {
  const auto trouble = co_await stream_.connect(api_.server(), kConnectPatience);
  if (trouble.ec)
    co_return std::unexpected(End{
        unreachable(fmt::format("cannot reach {}: {}", api_.server().text(), trouble.ec.message()))
            .error()});
  if (trouble) co_return std::unexpected(End{failed(trouble.distrust).error(), false});
  co_return std::expected<void, End>{};
}

Awaitable<std::expected<void, End>> EventStream::begin(const v1::ClientFrame& hello) {
  http::request<http::string_body> request(http::verb::post, "/v1/stream", 11);
  request.set(http::field::host, api_.server().authority());
  request.set(http::field::accept, "text/event-stream");
  request.set(http::field::content_type, "application/json");
  request.body() = to_json(hello);
  request.prepare_payload();
  stream_.tcp().expires_after(kConnectPatience);
  if (auto [ec, n] = co_await http::async_write(stream_, request, kUse); ec)
    co_return broke(ec.message());
  if (auto [ec, n] = co_await http::async_read_header(stream_, buffer_, parser_, kUse); ec)
    co_return broke(ec.message());
  const auto& answer = parser_.get();
  if (answer.result() == http::status::ok &&
      answer[http::field::content_type].starts_with("text/event-stream")) {
    parser_.body_limit(boost::none);
    co_return std::expected<void, End>{};
  }
  if (auto [ec, n] = co_await http::async_read(stream_, buffer_, parser_, kUse); ec)
    co_return broke(ec.message());
  auto why = to_failure(api_.server(), answer.result_int(), answer.body());
  const bool come_back = why.retryable;
  co_return std::unexpected(End{std::move(why), come_back});
}

Awaitable<std::expected<Wire::Frames, End>> EventStream::read() {
  while (!begun_ && !over_) co_await change();
  auto& text = parser_.get().body();
  std::size_t end;
  while ((end = text.find("\n\n")) == std::string::npos) {
    if (over_ || parser_.is_done()) co_return broke("the stream ended");
    if (text.size() > kMaxEvent)
      co_return std::unexpected(End{failed("the server sent an event without end").error(), false});
    // Nothing before welcome: a proxy holds the events back.
    stream_.tcp().expires_after(session_ ? kSilence : kConnectPatience);
    if (auto [ec, n] = co_await http::async_read_some(stream_, buffer_, parser_, kUse); ec)
      co_return broke(ec.message());
  }
  const auto one = text.substr(0, end);
  text.erase(0, end + 2);
  co_return event(one);
}

std::expected<Wire::Frames, End> EventStream::event(std::string_view event) {
  constexpr std::string_view close = "event: close\n", data = "data: ";
  const bool last = event.starts_with(close);
  if (last) event.remove_prefix(close.size());
  if (!event.starts_with(data)) return Frames{};  // a comment
  event.remove_prefix(data.size());
  if (last) {
    CloseNotice notice;
    if (!from_json(event, notice)) return broke("the stream ended");
    return std::unexpected(closed_by(notice.code(), notice.reason()));
  }
  v1::ServerBatch batch;
  const bool many = event.starts_with('[');
  if (!from_json(fmt::format(R"({{"frames":{}{}{}}})", many ? "" : "[", event, many ? "" : "]"),
                 batch))
    return std::unexpected(
        End{failed("the server sent something that is not a Parley message").error(), false});
  Frames frames(batch.frames().begin(), batch.frames().end());
  for (const auto& frame : frames)
    if (frame.has_welcome()) session_ = frame.welcome().session_id();
  changed_.cancel();
  return frames;
}

Awaitable<std::expected<Wire::Frames, End>> EventStream::write(
    std::vector<v1::ClientFrame>& frames) {
  if (!begun_) {
    if (auto done = co_await begin(frames[0]); !done) {
      cut();
      co_return std::unexpected(std::move(done.error()));
    }
    frames.erase(frames.begin());
    begun_ = true;
    changed_.cancel();
    co_return Frames{};
  }
  while (!session_ && !over_) co_await change();
  const auto [batch, count] = next_batch(frames);
  while (!over_) {
    auto token = co_await api_.access_token();
    if (!token) {
      const bool come_back = token.error().retryable;
      co_return std::unexpected(End{std::move(token.error()), come_back});
    }
    const HttpCall call{.method = "POST",
                        .target = fmt::format("/v1/stream/{}/frames", session_),
                        .json = batch,
                        .access_token = std::move(*token)};
    const auto answer = co_await (http_call(api_.server(), call, nullptr) || ended());
    if (answer.index() == 1) break;
    const auto& done = std::get<0>(answer);
    if (done) {
      frames.erase(frames.begin(), frames.begin() + static_cast<std::ptrdiff_t>(count));
      co_return Frames{};
    }
    const auto& why = done.error();
    if (why.retryable && why.retry_after_ms) {  // nothing was taken
      asio::steady_timer pause(stream_.get_executor(),
                               std::chrono::milliseconds(why.retry_after_ms));
      co_await (pause.async_wait(asio::use_awaitable) || ended());
    } else if (why.code == "too_large" && count == 1) {
      v1::ServerFrame refusal;
      refusal.set_re(frames[0].id());
      refusal.mutable_error()->set_code(why.code);
      refusal.mutable_error()->set_message(why.message);
      frames.erase(frames.begin());
      co_return Frames{refusal};
    } else {
      // The stream is gone, or nobody knows what became of the frames: a new one tells.
      co_return std::unexpected(End{why, why.retryable || why.code == "not_found"});
    }
  }
  co_return broke("the stream ended");
}

}  // namespace

std::unique_ptr<Wire> event_stream(asio::any_io_executor executor, Api& api) {
  return std::make_unique<EventStream>(executor, api);
}

}  // namespace parley::client
