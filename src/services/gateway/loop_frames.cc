#include <fmt/format.h>

#include "services/gateway/gateway_loop.h"
#include "services/gateway/to_proto.h"

namespace parley::gateway {
namespace {

constexpr std::size_t kClientNameBytes = 64;
constexpr std::string_view kFeatures[] = {"resume_ticket", "history_by_time", "groups", "typing",
                                          "presence"};

v1::ServerFrame answer_to(std::uint64_t re) {
  v1::ServerFrame frame;
  frame.set_re(re);
  return frame;
}

Result<void> check_rate(RateState& state, const RateLimit& limit, Clock::Mono now,
                        std::string_view what) {
  if (limit.interval_ns() == 0) return {};
  if (const auto wait = state.take(limit, now); wait != 0)
    return fail_for(Code::rate_limited, fmt::format("too many {}: wait {} ms", what, wait), wait);
  return {};
}

}  // namespace

void GatewayLoop::handle(Session& session, const wire::ClientItem& item) {
  if (!item.frame) return connections_.send_error(session, item.id, item.error);
  auto done = admit(session, *item.frame);
  if (done) done = perform(session, *item.frame);
  if (!done) connections_.send_error(session, item.id, done.error());
}

Result<void> GatewayLoop::admit(Session& session, const v1::ClientFrame& frame) {
  if (shared_.draining)
    return fail(Code::unavailable, "this server stops: come back as `reconnect` said");
  const auto now = shared_.clock.mono();
  if (frame.has_send()) return check_rate(session.sends, sends_limit_, now, "messages");
  return check_rate(session.requests, requests_limit_, now, "requests");
}

Result<void> GatewayLoop::perform(Session& session, const v1::ClientFrame& frame) {
  using Frame = v1::ClientFrame;
  switch (frame.op_case()) {
    case Frame::kSend:
      return send(session, frame);
    case Frame::kAck:
      return ack(session, frame.ack());
    case Frame::kRead:
      return read(session, frame);
    case Frame::kPing: {
      auto answer = answer_to(frame.id());
      answer.mutable_pong();
      connections_.send(session, answer);
      return {};
    }
    case Frame::kHistory: {
      PARLEY_TRY(request, check_history(frame.history(), session.user, shared_.settings.limits));
      reads_.history(session, frame.id(), request);
      return {};
    }
    case Frame::kSync: {
      PARLEY_TRY(since, Cursor::parse(frame.sync().cursor()));
      reads_.backlog(session, frame.id(), since);
      return {};
    }
    case Frame::kToken:
      return replace_token(session, frame);
    case Frame::kHello:
      return fail(Code::invalid_argument, "hello comes once, first", "hello");
    case Frame::kTyping:
      return typing(session, frame.typing());
    case Frame::kPresence:
      return watch(session, frame);
    case Frame::kEdit:
    case Frame::kDelete:
    case Frame::kReact:
    case Frame::OP_NOT_SET:
      break;
  }
  return fail(Code::unsupported, "this server does not offer that operation");
}

void GatewayLoop::greet(Session& session, const wire::ClientItem& item) {
  const auto refuse = [&](const Error& error, CloseCode code, std::string_view why) {
    connections_.send_error(session, item.id, error);
    connections_.hang_up(session, code, why);
  };
  if (!item.frame || !item.frame->has_hello())
    return refuse(
        item.frame ? Error{Code::unauthenticated, "the first frame is hello"} : item.error,
        CloseCode::hello_expected, "the first frame is hello");
  const auto& hello = item.frame->hello();
  const auto since = check_hello(hello);
  if (!since) return connections_.send_error(session, item.id, since.error());
  const auto who = authenticate(hello);
  if (!who && who.error().code == Code::token_expired)
    return refuse(who.error(), CloseCode::access_expired, "the token has expired");
  if (!who) return refuse(who.error(), CloseCode::bad_token, "the token is not valid");

  session.user = who->user;
  session.device = who->device;
  session.expires = who->expires;
  if (!connections_.join(session))
    return refuse({Code::forbidden, "this device holds as many connections as it may"},
                  CloseCode::too_many_connections, "too many connections of this device");
  begin(session, item.id, *who, *since);
}

Result<Cursor> GatewayLoop::check_hello(const v1::Hello& hello) {
  PARLEY_TRY(since, Cursor::parse(hello.cursor()));
  if (hello.client().size() > kClientNameBytes)
    return fail(Code::invalid_argument,
                fmt::format("a client's name has at most {} bytes", kClientNameBytes), "client");
  return since;
}

void GatewayLoop::begin(Session& session, std::uint64_t re, const Principal& who,
                        const Cursor& since) {
  edge_->hello_done(session.connection);
  welcome(session, re, who);
  // It is found by its user from here on, so nothing falls between the backlog and live traffic.
  reads_.backlog(session, re, since);
}

Result<Principal> GatewayLoop::authenticate(const v1::Hello& hello) const {
  if (!hello.resume_ticket().empty()) {
    auto who = shared_.check_ticket(hello.resume_ticket());
    if (who) shared_.metrics.resumes.add();
    if (who || hello.token().empty()) return who;
  }
  if (hello.token().empty())
    return fail(Code::unauthenticated, "hello has a token or a resume ticket", "token");
  return shared_.services.auth.check(hello.token());
}

void GatewayLoop::welcome(Session& session, std::uint64_t re, const Principal& who) {
  const auto u32 = [](std::chrono::milliseconds time) {
    return static_cast<std::uint32_t>(time.count());
  };
  auto frame = answer_to(re);
  auto& welcome = *frame.mutable_welcome();
  welcome.set_session_id(connections_.origin(session.connection).value);
  welcome.set_user_id(who.user.value);
  welcome.set_device_id(who.device.value);
  welcome.set_server_time_ms(shared_.clock.wall().value);
  welcome.set_ping_after_ms(u32(shared_.settings.edge.ping_after));
  welcome.set_idle_close_ms(u32(shared_.settings.edge.idle_close));
  to_proto(shared_.settings.limits, *welcome.mutable_limits());
  for (const auto feature : kFeatures) welcome.add_features(std::string(feature));
  welcome.set_resume_ticket(shared_.tickets.make(who));
  welcome.set_ticket_expires_ms(who.expires.value);
  connections_.send(session, frame);
}

Result<void> GatewayLoop::replace_token(Session& session, const v1::ClientFrame& frame) {
  PARLEY_TRY(who, shared_.services.auth.check(frame.token().token()));
  if (who.user != session.user || who.device != session.device)
    return fail(Code::invalid_argument, "the token belongs to another user or device", "token");
  session.expires = who.expires;
  auto answer = answer_to(frame.id());
  answer.mutable_result();
  if (frame.id() != 0) connections_.send(session, answer);
  return {};
}

Result<void> GatewayLoop::send(Session& session, const v1::ClientFrame& frame) {
  const auto& asked = frame.send();
  PARLEY_TRY(request, check_send(asked.conversation_id(), asked.client_message_id(),
                                 asked.body().text(), asker(session), shared_.settings.limits));
  inflight_.send(session, frame.id(), std::move(request));
  return {};
}

Result<void> GatewayLoop::ack(Session& session, const v1::Ack& ack) {
  const auto max = shared_.settings.limits.ack_marks;
  if (static_cast<std::size_t>(ack.marks_size()) > max)
    return fail(Code::too_large, fmt::format("an ack has at most {} marks", max), "marks");
  // The good ones count, whatever the others are.
  Result<void> first_fault;
  for (int i = 0; i < ack.marks_size(); ++i) {
    if (auto request = check_delivered(ack.marks(i), asker(session))) {
      inflight_.delivered(std::move(*request));
    } else if (first_fault) {
      request.error().field = fmt::format("marks[{}].{}", i, request.error().field);
      first_fault = std::unexpected(std::move(request).error());
    }
  }
  return first_fault;
}

Result<void> GatewayLoop::read(Session& session, const v1::ClientFrame& frame) {
  PARLEY_TRY(request,
             check_read(frame.read().conversation_id(), frame.read().seq(), asker(session)));
  inflight_.read(session, frame.id(), std::move(request));
  return {};
}

Result<void> GatewayLoop::typing(Session& session, const v1::Typing& typing) {
  PARLEY_TRY(where, check_conversation(typing.conversation_id(), session.user));
  typing_.heard(session, where);
  return {};
}

Result<void> GatewayLoop::watch(Session& session, const v1::ClientFrame& frame) {
  const auto& ids = frame.presence().user_ids();
  PARLEY_TRY(users, check_users({ids.data(), static_cast<std::size_t>(ids.size())},
                                shared_.settings.limits.watched_users, "user_ids"));
  watch_.watch(session, frame.id(), std::move(users));
  return {};
}

}  // namespace parley::gateway
