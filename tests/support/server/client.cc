#include "tests/support/server/client.h"

#include <array>
#include <boost/asio.hpp>
#include <boost/beast.hpp>
#include <deque>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

namespace parley::testing {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace pb = google::protobuf;
namespace {

constexpr std::chrono::seconds kPatience{60};
const std::string kPassword = "correct horse battery";

pb::util::JsonParseOptions lenient() {
  pb::util::JsonParseOptions options;
  options.ignore_unknown_fields = true;
  return options;
}

template <class T>
T from_json(const std::string& text) {
  T out;
  const auto status = pb::util::JsonStringToMessage(text, &out, lenient());
  EXPECT_TRUE(status.ok()) << status.ToString() << " in " << text;
  return out;
}

std::string to_json(const pb::Message& message) {
  pb::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string out;
  EXPECT_TRUE(pb::util::MessageToJsonString(message, &out, options).ok());
  return out;
}

/// The objects of a JSON array (or the one object), split by their braces.
std::vector<std::string> split_objects(const std::string& text) {
  std::vector<std::string> out;
  int depth = 0;
  bool quoted = false;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (quoted) {
      if (text[i] == '\\')
        ++i;
      else if (text[i] == '"')
        quoted = false;
    } else if (text[i] == '"') {
      quoted = true;
    } else if (text[i] == '{' && depth++ == 0) {
      begin = i;
    } else if (text[i] == '}' && --depth == 0) {
      out.push_back(text.substr(begin, i + 1 - begin));
    }
  }
  return out;
}

v1::Tokens authenticate(std::uint16_t port, const std::string& path, const pb::Message& request) {
  const auto answer = http(port, "POST", path, to_json(request));
  EXPECT_TRUE(answer.status == 200 || answer.status == 201) << answer.status << " " << answer.body;
  return from_json<v1::Tokens>(answer.body);
}

}  // namespace

Http http(std::uint16_t port, const std::string& method, const std::string& target,
          const std::string& body, const std::string& token) {
  namespace bh = beast::http;
  asio::io_context io;
  beast::tcp_stream stream(io);
  stream.connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), port));
  bh::request<bh::string_body> request{bh::string_to_verb(method), target, 11};
  request.set(bh::field::host, "127.0.0.1:" + std::to_string(port));
  if (!token.empty()) request.set(bh::field::authorization, "Bearer " + token);
  if (!body.empty()) request.set(bh::field::content_type, "application/json");
  request.body() = body;
  request.prepare_payload();
  bh::write(stream, request);
  beast::flat_buffer buffer;
  bh::response<bh::string_body> response;
  bh::read(stream, buffer, response);
  return {response.result_int(), response.body()};
}

v1::Tokens sign_up(std::uint16_t port, const std::string& name) {
  v1::SignUpRequest request;
  request.set_name(name);
  request.set_password(kPassword);
  request.set_device_name(name + "'s first");
  return authenticate(port, "/v1/signup", request);
}

v1::Tokens sign_in(std::uint16_t port, const std::string& name) {
  v1::SignInRequest request;
  request.set_name(name);
  request.set_password(kPassword);
  request.set_device_name(name + "'s next");
  return authenticate(port, "/v1/signin", request);
}

std::string direct(std::uint64_t a, std::uint64_t b) {
  return "d:" + std::to_string(std::min(a, b)) + ":" + std::to_string(std::max(a, b));
}

std::string own_name(const std::string& name) {
  const auto* info = ::testing::UnitTest::GetInstance()->current_test_info();
  const auto test = std::string(info->test_suite_name()) + "." + info->name();
  return name + "_" + std::to_string(std::hash<std::string>()(test) % 1'000'000'000);
}

struct Client::Impl {
  asio::io_context io;
  beast::websocket::stream<beast::tcp_stream> socket{io};
  std::deque<v1::ServerFrame> kept;
  bool ended = false;

  // By HTTP alone.
  std::uint16_t port = 0;
  std::string bearer;  // the token, or the ticket
  std::uint64_t session = 0;
  std::string unread;  // of the stream
  unsigned code = 0;   // of its last event, or the status that refused it
  bool open_stream(v1::ClientFrame hello);
  void post(const std::string& frames);
  bool read_event();

  /// Runs one asynchronous call with a deadline.
  beast::error_code wait(const std::function<void(std::function<void(beast::error_code)>)>& start) {
    std::optional<beast::error_code> result;
    start([&](beast::error_code error) { result = error; });
    io.restart();
    io.run_for(kPatience);
    if (!result) {
      ADD_FAILURE() << "nothing came within 60 s";
      beast::get_lowest_layer(socket).cancel();
      io.restart();
      io.run();
      return asio::error::timed_out;
    }
    return *result;
  }
};

bool Client::Impl::read_event() {
  std::size_t end;
  while ((end = unread.find("\n\n")) == std::string::npos) {
    std::array<char, 4096> more;
    std::size_t size = 0;
    const auto error = wait([&](auto done) {
      beast::get_lowest_layer(socket).async_read_some(
          asio::buffer(more), [&size, done](beast::error_code e, std::size_t n) {
            size = n;
            done(e);
          });
    });
    if (error) return false;
    unread.append(more.data(), size);
  }
  const auto event = unread.substr(0, end);
  unread.erase(0, end + 2);
  const auto data = event.find("data: ");
  if (data == std::string::npos) return true;  // a comment
  const auto payload = event.substr(data + 6);
  if (event.starts_with("event: close\n")) {
    code =
        static_cast<unsigned>(std::strtoul(payload.c_str() + payload.find(':') + 1, nullptr, 10));
    beast::get_lowest_layer(socket).close();
    return false;
  }
  for (const auto& object : split_objects(payload)) {
    kept.push_back(from_json<v1::ServerFrame>(object));
    if (kept.back().has_welcome()) session = kept.back().welcome().session_id();
  }
  return true;
}

/// With a ticket in its hello, or a token in the header.
bool Client::Impl::open_stream(v1::ClientFrame hello) {
  auto& stream = beast::get_lowest_layer(socket);
  stream.connect(asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), port));
  std::string header;
  if (bearer = hello.hello().resume_ticket(); bearer.empty()) {
    bearer = std::exchange(*hello.mutable_hello()->mutable_token(), {});
    header = "Authorization: Bearer " + bearer + "\r\n";
  }
  const auto body = to_json(hello);
  asio::write(stream, asio::buffer("POST /v1/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n" + header +
                                   "Content-Type: application/json\r\nContent-Length: " +
                                   std::to_string(body.size()) + "\r\n\r\n" + body));
  std::string head;
  while (!head.ends_with("\r\n\r\n")) {
    char next = 0;
    const auto error = wait([&](auto done) {
      stream.async_read_some(asio::buffer(&next, 1),
                             [done](beast::error_code e, std::size_t) { done(e); });
    });
    if (error) return false;
    head += next;
  }
  if (head.starts_with("HTTP/1.1 200 ")) return true;
  code = static_cast<unsigned>(std::strtoul(head.c_str() + std::size("HTTP/1.1"), nullptr, 10));
  return false;
}

void Client::Impl::post(const std::string& frames) {
  while (session == 0 && read_event()) {
  }
  const auto answer =
      http(port, "POST", "/v1/stream/" + std::to_string(session) + "/frames", frames, bearer);
  if (answer.status == 202) return;
  v1::ServerFrame refusal;
  *refusal.mutable_error() = from_json<v1::ErrorAnswer>(answer.body).error();
  kept.push_back(refusal);
}

std::string Client::name(Wire wire) {
  return wire == Wire::pb ? "pb" : wire == Wire::json ? "json" : "http";
}

Client::Client(std::uint16_t port, Wire wire) : impl_(std::make_unique<Impl>()), wire_(wire) {
  impl_->port = port;
  if (wire == Wire::http) return;
  auto& s = impl_->socket;
  beast::get_lowest_layer(s).connect(
      asio::ip::tcp::endpoint(asio::ip::address_v4::loopback(), port));
  s.set_option(beast::websocket::stream_base::decorator([wire](beast::websocket::request_type& r) {
    r.set(beast::http::field::sec_websocket_protocol,
          wire == Wire::pb ? "parley.v1.pb" : "parley.v1.json");
  }));
  s.handshake("127.0.0.1:" + std::to_string(port), "/v1/ws");
}

Client::~Client() = default;

void Client::send_raw(bool binary, const std::string& payload) {
  impl_->socket.binary(binary);
  impl_->wait([&](auto done) {
    impl_->socket.async_write(asio::buffer(payload),
                              [done](beast::error_code e, std::size_t) { done(e); });
  });
}

void Client::send(const std::vector<v1::ClientFrame>& frames) {
  if (wire_ == Wire::pb) {
    v1::ClientBatch batch;
    for (const auto& frame : frames) *batch.add_frames() = frame;
    return send_raw(true, batch.SerializeAsString());
  }
  std::string text = frames.size() == 1 ? "" : "[";
  for (const auto& frame : frames) text += (text.size() > 1 ? "," : "") + to_json(frame);
  text += frames.size() == 1 ? "" : "]";
  if (wire_ == Wire::json) return send_raw(false, text);
  if (!frames[0].has_hello()) return impl_->post(text);
  impl_->ended = !impl_->open_stream(frames[0]);
}

std::optional<v1::ServerFrame> Client::next() {
  while (impl_->kept.empty()) {
    if (impl_->ended) return {};
    if (wire_ == Wire::http) {
      impl_->ended = !impl_->read_event();
      continue;
    }
    beast::flat_buffer buffer;
    const auto error = impl_->wait([&](auto done) {
      impl_->socket.async_read(buffer, [done](beast::error_code e, std::size_t) { done(e); });
    });
    if (error) {
      impl_->ended = true;
      return {};
    }
    const auto payload = beast::buffers_to_string(buffer.data());
    if (wire_ == Wire::pb) {
      v1::ServerBatch batch;
      EXPECT_TRUE(batch.ParseFromString(payload));
      for (auto& frame : *batch.mutable_frames()) impl_->kept.push_back(frame);
    } else {
      for (const auto& object : split_objects(payload))
        impl_->kept.push_back(from_json<v1::ServerFrame>(object));
    }
  }
  auto frame = impl_->kept.front();
  impl_->kept.pop_front();
  return frame;
}

std::optional<v1::ServerFrame> Client::next(
    const std::function<bool(const v1::ServerFrame&)>& fits) {
  std::deque<v1::ServerFrame> passed;
  std::optional<v1::ServerFrame> found;
  while (!found) {
    auto frame = next();
    if (!frame) break;
    if (fits(*frame))
      found = frame;
    else
      passed.push_back(*frame);
  }
  impl_->kept.insert(impl_->kept.begin(), passed.begin(), passed.end());
  return found;
}

unsigned Client::close_code() {
  while (next()) {
  }
  return wire_ == Wire::http ? impl_->code : impl_->socket.reason().code;
}

v1::Welcome Client::hello(const std::string& token, const std::string& from, bool is_ticket) {
  v1::ClientFrame frame;
  frame.set_id(++last_id_);
  if (is_ticket)
    frame.mutable_hello()->set_resume_ticket(token);
  else
    frame.mutable_hello()->set_token(token);
  frame.mutable_hello()->set_cursor(from);
  send({frame});
  v1::Welcome welcome;
  backlog.clear();
  while (auto got = next()) {
    if (got->has_welcome())
      welcome = got->welcome();
    else
      backlog.push_back(*got);
    if (got->has_backlog_end()) {
      cursor = got->backlog_end().cursor();
      break;
    }
    if (got->has_error()) break;
  }
  return welcome;
}

v1::ServerFrame Client::request(v1::ClientFrame frame) {
  frame.set_id(++last_id_);
  send({frame});
  auto answer = next([&](const v1::ServerFrame& f) { return f.re() == frame.id(); });
  EXPECT_TRUE(answer) << "the connection ended before the answer";
  return answer.value_or(v1::ServerFrame{});
}

v1::ServerFrame Client::say(const std::string& conversation, const std::string& key,
                            const std::string& text) {
  v1::ClientFrame frame;
  frame.mutable_send()->set_conversation_id(conversation);
  frame.mutable_send()->set_client_message_id(key);
  frame.mutable_send()->mutable_body()->set_text(text);
  return request(frame);
}

v1::Entry Client::next_entry() {
  auto frame = next([](const v1::ServerFrame& f) { return f.has_entry(); });
  EXPECT_TRUE(frame) << "the connection ended before an entry came";
  return frame ? frame->entry() : v1::Entry{};
}

}  // namespace parley::testing
