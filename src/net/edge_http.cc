#include <fmt/format.h>

#include "net/edge_impl.h"
#include "net/handshake.h"
#include "net/http_encode.h"

namespace parley::net {

/// False where nothing more can be done with the bytes from `at` on for now.
bool Edge::Impl::consume_http(Connection& c, char*& at, char* end) {
  if (!c.fresh) {
    c.fresh = true;
    c.since = tick_;
    arm(c);
  }
  auto& holder = c.input && c.input->http ? c.input->http : http_;
  if (!holder) holder = std::make_unique<HttpReader>();
  auto& reader = *holder;
  const auto kind = reader.next(at, end, {config_.max_http_header, config_.max_http_body});
  if (kind == HttpReader::Kind::need_more) {
    if (reader.wants_continue()) enqueue(c, SharedBytes("HTTP/1.1 100 Continue\r\n\r\n"));
    if (!c.input) c.input = std::make_unique<Input>();
    if (!c.input->http) c.input->http = std::move(http_);
    return false;
  }
  auto current = std::move(holder);
  if (kind == HttpReader::Kind::refused) {
    linger(c, encode_response(current->refusal(), false, false, date()));
    return false;
  }
  const auto& message = current->message();
  if (c.forwards && !read_forwarded(c, message)) return false;
  c.keep_alive = message.keep_alive();
  c.head_only = message.method() == boost::beast::http::verb::head;
  if (asks_for_websocket(message)) {
    upgrade(c, message);
  } else {
    metrics_.requests.add();
    c.state = State::answering;
    c.since = tick_;
    auto request = current->take_request();
    request.remote_address = to_text(address_of(c));
    handler_.on_http(id_of(c), std::move(request));
  }
  http_ = std::move(current);
  return true;
}

void Edge::Impl::upgrade(Connection& c, const HttpReader::Message& request) {
  auto answer = shutting_ ? http_error(503, Code::unavailable, "This server is stopping.")
                          : negotiate(request, config_);
  if (auto* refusal = std::get_if<HttpResponse>(&answer)) {
    c.state = State::answering;
    return reply(c, *refusal);
  }
  auto& agreed = std::get<Upgrade>(answer);
  enqueue(c, std::move(agreed.response));
  c.state = State::open;
  c.opened = true;
  c.since = c.heard = tick_;
  metrics_.websockets.add();
  arm(c);
  handler_.on_open(id_of(c), agreed.subprotocol, to_text(address_of(c)));
}

void Edge::Impl::reply(Connection& c, const HttpResponse& response) {
  c.keep_alive = c.keep_alive && !shutting_;
  auto encoded = encode_response(response, c.keep_alive, c.head_only, date());
  if (!c.keep_alive) return linger(c, std::move(encoded));
  c.state = State::replying;
  c.since = tick_;
  enqueue(c, std::move(encoded));
}

/// The response is written: on with the next request, which may have come already.
void Edge::Impl::next_request(Connection& c) {
  c.state = State::http;
  c.since = tick_;
  c.fresh = false;
  c.deaf = false;
  if (c.input && !c.input->unread.empty())
    continue_later(c);
  else if (shutting_)
    return drop(c, kAbnormal);
  watch(c);
  arm(c);
}

void Edge::Impl::refuse(Connection& c, Admission::Verdict why) {
  constexpr std::chrono::seconds kLater(10);
  const auto refusal =
      why == Admission::Verdict::full
          ? http_error(503, Code::busy,
                       "This server holds as many connections as it may: come later.", kLater)
          : http_error(429, Code::rate_limited, "There are too many connections from your address.",
                       kLater);
  linger(c, encode_response(refusal, false, false, date()));
}

const std::string& Edge::Impl::date() {
  if (date_tick_ != tick_) date_ = http_date(clock_.wall());
  date_tick_ = tick_;
  return date_;
}

}  // namespace parley::net
