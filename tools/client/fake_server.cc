#include "client/fake_server.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <fmt/format.h>

#include "client/json.h"

namespace parley::client {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;
using tcp = asio::ip::tcp;

namespace {

constexpr auto kUse = asio::as_tuple(asio::use_awaitable);

void rethrow(std::exception_ptr thrown) {
  if (thrown) std::rethrow_exception(thrown);
}

v1::ErrorAnswer error_answer(const std::string& code) {
  v1::ErrorAnswer answer;
  answer.mutable_error()->set_code(code);
  answer.mutable_error()->set_message("the fake server says " + code);
  answer.mutable_error()->set_retryable(code == "busy");
  answer.mutable_error()->set_retry_after_ms(code == "busy" ? 5 : 0);
  return answer;
}

}  // namespace

struct FakeServer::Link {
  Link(tcp::socket socket, asio::io_context& io) : stream(std::move(socket)), wake(io) {}
  websocket::stream<beast::tcp_stream> stream;
  asio::steady_timer wake;
  std::vector<v1::ServerFrame> out;
  std::optional<websocket::close_reason> close_with;
  bool over = false;
  std::uint64_t session = 0;  // of a stream of events; none: a WebSocket

  v1::ServerFrame& frame(std::uint64_t re) {
    wake.cancel();
    auto& fresh = out.emplace_back();
    fresh.set_re(re);
    return fresh;
  }
};

FakeServer::FakeServer(asio::io_context& io)
    : io_(io), acceptor_(io, {asio::ip::address_v4::loopback(), 0}) {
  port_ = acceptor_.local_endpoint().port();
  asio::co_spawn(io_, accept(), rethrow);
}

FakeServer::~FakeServer() {
  go_down();
  break_all();
}

Endpoint FakeServer::endpoint() const { return {"127.0.0.1", std::to_string(port_)}; }

void FakeServer::go_down() {
  boost::system::error_code ignored;
  acceptor_.close(ignored);
}

void FakeServer::come_up() {
  acceptor_ = tcp::acceptor(io_, {asio::ip::address_v4::loopback(), port_});
  asio::co_spawn(io_, accept(), rethrow);
}

void FakeServer::break_all() {
  for (const auto& link : links_) {
    link->over = true;
    beast::get_lowest_layer(link->stream).close();
    link->wake.cancel();
  }
  links_.clear();
}

void FakeServer::close_all(std::uint16_t code, const std::string& reason) {
  for (const auto& link : links_) {
    link->close_with = websocket::close_reason(static_cast<websocket::close_code>(code), reason);
    link->wake.cancel();
  }
  links_.clear();
}

void FakeServer::post(const std::string& text, bool live) {
  v1::Entry entry;
  entry.set_conversation_id(kConversation);
  entry.set_seq(head() + 1);
  entry.set_sender(2);
  entry.set_time_ms(wall_ms());
  entry.mutable_body()->set_text(text);
  log.push_back(entry);
  if (live) give(entry);
}

void FakeServer::give(const v1::Entry& entry) {
  v1::ServerFrame frame;
  *frame.mutable_entry() = entry;
  give(frame);
}

void FakeServer::give(const v1::ServerFrame& frame) {
  for (const auto& link : links_) link->frame(0).MergeFrom(frame);
}

Awaitable<void> FakeServer::accept() {
  for (;;) {
    auto [ec, socket] = co_await acceptor_.async_accept(kUse);
    if (ec) co_return;
    asio::co_spawn(io_, serve(std::move(socket)), rethrow);
  }
}

Awaitable<void> FakeServer::serve(tcp::socket socket) {
  beast::flat_buffer buffer;
  http::request<http::string_body> request;
  if (auto [ec, n] = co_await http::async_read(socket, buffer, request, kUse); ec) co_return;
  http::response<http::string_body> response;
  if (!refusals.empty()) {
    response.result(refusals.front().first);
    response.body() = refusals.front().second;
    refusals.pop_front();
    response.prepare_payload();
    co_await http::async_write(socket, response, kUse);
    co_return;
  }
  if (websocket::is_upgrade(request)) {
    auto link = std::make_shared<Link>(std::move(socket), io_);
    link->stream.set_option(
        websocket::stream_base::decorator([](websocket::response_type& response) {
          response.set(http::field::sec_websocket_protocol, "parley.v1.pb");
        }));
    if (auto [ec] = co_await link->stream.async_accept(request, kUse); ec) co_return;
    link->stream.binary(true);
    using namespace asio::experimental::awaitable_operators;
    co_await (serve_frames(link) && write_frames(link));
    std::erase(links_, link);
    co_return;
  }
  v1::ClientFrame hello;
  if (request.target() == "/v1/stream" && from_json(request.body(), hello) &&
      is_good(hello.hello()))
    co_return co_await serve_stream(std::move(socket), std::move(hello));
  if (request.target().starts_with("/v1/stream/") && !refuse_frames.empty()) {
    ++refused_frames;
    if (refuse_frames == "nothing") co_return unanswered_.push_back(std::move(socket));
  }
  std::string token(request[http::field::authorization]);
  if (token.starts_with("Bearer ")) token.erase(0, 7);
  unsigned status = 200;
  response.body() = answer_http(std::string(request.method_string()), std::string(request.target()),
                                token, request.body(), status);
  response.result(status);
  response.prepare_payload();
  co_await http::async_write(socket, response, kUse);
}

std::string FakeServer::answer_http(const std::string& method, const std::string& target,
                                    const std::string& token, const std::string& body,
                                    unsigned& status) {
  if (target == "/v1/refresh") {
    v1::RefreshRequest request;
    if (!from_json(body, request) ||
        request.refresh_token() != fmt::format("refresh-{}", refreshes)) {
      status = 401;
      return to_json(error_answer("unauthenticated"));
    }
    ++refreshes;
    v1::Tokens tokens;
    tokens.set_user_id(1);
    tokens.set_access_token(fmt::format("access-{}", refreshes));
    tokens.set_access_expires_ms(wall_ms() + access_lifetime_ms);
    tokens.set_refresh_token(fmt::format("refresh-{}", refreshes));
    good_tokens.insert(tokens.access_token());
    return to_json(tokens);
  }
  if (!good_tokens.contains(token)) {
    status = 401;
    return to_json(error_answer("token_expired"));
  }
  if (target.starts_with("/v1/stream/")) {
    status = refuse_frames.empty() ? take(target, body) : refuse_frames == "busy" ? 503 : 404;
    return status == 202 ? "{}" : to_json(error_answer(status == 503 ? "busy" : "not_found"));
  }
  if (method == "POST" && target == "/v1/messages") {
    v1::SendMsgRequest request;
    v1::Send send;
    if (!from_json(body, request)) status = 400;
    send.set_conversation_id(request.conversation_id());
    send.set_client_message_id(request.client_message_id());
    *send.mutable_body() = request.body();
    sends.push_back(send);
    bool fresh = false;
    return to_json(append(send, fresh));
  }
  if (target == "/v1/me") {
    v1::Profile me;
    me.set_user_id(1);
    me.set_name("ana");
    return to_json(me);
  }
  status = 404;
  return to_json(error_answer("not_found"));
}

Awaitable<void> FakeServer::serve_frames(std::shared_ptr<Link> link) {
  beast::flat_buffer buffer;
  while (!link->over) {
    auto [ec, n] = co_await link->stream.async_read(buffer, kUse);
    if (ec) break;
    v1::ClientBatch batch;
    if (!batch.ParseFromArray(buffer.cdata().data(), static_cast<int>(buffer.size()))) break;
    buffer.consume(buffer.size());
    for (const auto& frame : batch.frames())
      if (!link->over) handle(*link, frame);
    if (std::ranges::find(links_, link) == links_.end() && !link->over && !link->close_with &&
        !hellos.empty())
      links_.push_back(link);
  }
  link->over = true;
  link->wake.cancel();
}

/// As a proxy passes it on: in chunks.
Awaitable<void> FakeServer::serve_stream(tcp::socket socket, v1::ClientFrame hello) {
  auto link = std::make_shared<Link>(std::move(socket), io_);
  link->session = ++last_session_;
  const std::string head =
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
  if (auto [ec, n] =
          co_await asio::async_write(link->stream.next_layer(), asio::buffer(head), kUse);
      ec)
    co_return;
  if (hold_events)
    hellos.push_back(hello.hello());
  else
    handle(*link, hello);
  links_.push_back(link);
  co_await write_frames(link);
  std::erase(links_, link);
}

/// The status of a POST of frames.
unsigned FakeServer::take(const std::string& target, const std::string& body) {
  const auto link = std::ranges::find_if(links_, [&](const auto& one) {
    return target == fmt::format("/v1/stream/{}/frames", one->session);
  });
  v1::ClientBatch batch;
  if (link == links_.end() || !from_json(R"({"frames":)" + body + "}", batch)) return 404;
  const auto kept = *link;
  for (const auto& frame : batch.frames())
    if (!kept->over) handle(*kept, frame);
  return 202;
}

Awaitable<boost::system::error_code> FakeServer::write(Link& link,
                                                       std::vector<v1::ServerFrame> frames) {
  const bool last = link.close_with && link.out.empty();
  if (link.session) {
    std::string events = ":\n\n";
    for (const auto& frame : frames) events += "data: " + to_json(frame) + "\n\n";
    if (last)
      events += fmt::format("event: close\ndata: {{\"code\":{},\"reason\":\"{}\"}}\n\n",
                            static_cast<unsigned>(link.close_with->code),
                            std::string(link.close_with->reason.c_str()));
    const auto half = events.size() / 2;
    const auto chunks = fmt::format("{:x}\r\n{}\r\n{:x}\r\n{}\r\n", half, events.substr(0, half),
                                    events.size() - half, events.substr(half));
    auto [ec, n] = co_await asio::async_write(link.stream.next_layer(), asio::buffer(chunks), kUse);
    if (last) link.stream.next_layer().close();
    co_return ec;
  }
  v1::ServerBatch batch;
  for (auto& frame : frames) *batch.add_frames() = std::move(frame);
  const auto bytes = batch.SerializeAsString();
  if (batch.frames_size())
    if (auto [ec, n] = co_await link.stream.async_write(asio::buffer(bytes), kUse); ec)
      co_return ec;
  if (last) co_await link.stream.async_close(*link.close_with, kUse);
  co_return boost::system::error_code{};
}

Awaitable<void> FakeServer::write_frames(std::shared_ptr<Link> link) {
  while (!link->over) {
    if (link->out.empty() && !link->close_with) {
      link->wake.expires_at(std::chrono::steady_clock::time_point::max());
      co_await link->wake.async_wait(kUse);
      continue;
    }
    const bool last = link->close_with.has_value();
    if (co_await write(*link, std::exchange(link->out, {})) || last) break;
  }
}

v1::Sent FakeServer::append(const v1::Send& send, bool& fresh) {
  const auto [key, inserted] = keys_.try_emplace(send.client_message_id(), head() + 1);
  fresh = inserted;
  if (inserted) {
    v1::Entry entry;
    entry.set_conversation_id(send.conversation_id());
    entry.set_seq(head() + 1);
    entry.set_sender(1);
    entry.set_time_ms(wall_ms());
    entry.set_client_message_id(send.client_message_id());
    *entry.mutable_body() = send.body();
    log.push_back(entry);
  }
  v1::Sent sent;
  sent.set_conversation_id(send.conversation_id());
  sent.set_seq(key->second);
  sent.set_time_ms(log[key->second - 1].time_ms());
  return sent;
}

void FakeServer::backlog(Link& link, std::uint64_t re, const std::string& cursor) {
  const auto from = cursor.empty() ? 0 : std::stoull(cursor);
  auto first = from;
  if (head() - from > backlog_limit) {
    first = head() - backlog_limit;
    auto& gap = *link.frame(re).mutable_gap();
    gap.set_conversation_id(kConversation);
    gap.set_from(from + 1);
    gap.set_to(first);
  }
  for (auto seq = first; seq < head(); ++seq) *link.frame(re).mutable_entry() = log[seq];
  auto& end = *link.frame(re).mutable_backlog_end();
  end.set_cursor(std::to_string(head()));
}

bool FakeServer::is_good(const v1::Hello& hello) const {
  return good_tokens.contains(hello.resume_ticket().empty() ? hello.token()
                                                            : hello.resume_ticket());
}

void FakeServer::handle(Link& link, const v1::ClientFrame& frame) {
  using Op = v1::ClientFrame::OpCase;
  switch (frame.op_case()) {
    case Op::kHello: {
      hellos.push_back(frame.hello());
      const auto& hello = frame.hello();
      if (!is_good(hello)) {
        *link.frame(frame.id()).mutable_error() = error_answer("unauthenticated").error();
        link.close_with =
            websocket::close_reason(static_cast<websocket::close_code>(4501), "bad token");
        break;
      }
      auto& welcome = *link.frame(frame.id()).mutable_welcome();
      welcome.set_session_id(link.session);
      welcome.set_user_id(1);
      welcome.set_resume_ticket(hello.token().empty() ? hello.resume_ticket() : hello.token());
      welcome.set_server_time_ms(wall_ms());
      welcome.set_ticket_expires_ms(wall_ms() + access_lifetime_ms);
      backlog(link, frame.id(), hello.cursor());
      break;
    }
    case Op::kToken:
      renewed.push_back(frame.token().token());
      link.frame(frame.id()).mutable_result();
      break;
    case Op::kSend: {
      sends.push_back(frame.send());
      if (fail_sends > 0 || frame.send().body().text() == refuse_text) {
        auto& error = *link.frame(frame.id()).mutable_error();
        error.set_retryable(fail_sends > 0);
        error.set_code(fail_sends > 0 ? "unavailable" : "too_large");
        error.set_retry_after_ms(fail_sends > 0 ? 1 : 0);
        fail_sends = std::max(0, fail_sends - 1);
        break;
      }
      bool fresh = false;
      const auto sent = append(frame.send(), fresh);
      if (break_after_store > 0) {
        --break_after_store;
        link.over = true;
        beast::get_lowest_layer(link.stream).close();
        link.wake.cancel();
        break;
      }
      *link.frame(frame.id()).mutable_result()->mutable_sent() = sent;
      break;
    }
    case Op::kAck:
      for (const auto& mark : frame.ack().marks()) acks.push_back(mark);
      break;
    case Op::kRead:
      reads.push_back(frame.read());
      link.frame(frame.id()).mutable_result();
      break;
    case Op::kSync:
      backlog(link, frame.id(), frame.sync().cursor());
      break;
    case Op::kHistory: {
      histories.push_back(frame.history());
      auto& page = *link.frame(frame.id()).mutable_result()->mutable_history();
      for (const auto& entry : log)
        if (entry.seq() > frame.history().after() &&
            page.entries_size() < static_cast<int>(frame.history().limit()))
          *page.add_entries() = entry;
      page.set_head(head());
      break;
    }
    default:
      link.frame(frame.id()).mutable_error()->set_code("unsupported");
  }
}

}  // namespace parley::client
