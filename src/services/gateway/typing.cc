#include "services/gateway/typing.h"

#include <boost/asio.hpp>

#include "services/gateway/encoded.h"

namespace parley::gateway {
namespace {
constexpr std::chrono::seconds kQuiet{2};  // after one that was forwarded
constexpr std::size_t kMostLooks = 256;    // at once; beyond: dropped
}  // namespace

bool Typing::is_new(const Said& said) {
  const auto now = shared_.clock.mono();
  for (; !until_.empty() && until_.front().first <= now; until_.pop_front())
    said_.erase(until_.front().second);
  if (!said_.insert(said).second) return false;
  until_.emplace_back(now + kQuiet, said);
  return true;
}

void Typing::heard(const Session& session, const ConversationId& where) {
  if (!is_new({session.connection, where})) return;
  if (where.kind() == ConversationId::Kind::group)
    return shared_.services.groups.typing(session.user, GroupId(where.first()));
  if (!where.is_direct() || where.peer(session.user) == session.user) return;
  if (looking_ == kMostLooks) return;
  ++looking_;
  gate_.spawn([this, user = session.user, where] { return tell_peer(user, where); });
}

Awaitable<void> Typing::tell_peer(UserId user, ConversationId where) {
  const auto view = co_await shared_.services.messages.view(user, where);
  --looking_;
  // Who never wrote with somebody does not make themselves seen there.
  if (!view || !view->head.seq) co_return;
  const auto peer = where.peer(user);
  shared_.services.sessions.locate(
      {peer}, [&reach = shared_.services.reach, user, where, peer](std::vector<Location> found) {
        for (const auto& location : found)
          if (auto* gateway = reach(location.gateway)) gateway->typing({{where, user, {peer}}});
      });
}

void Typing::tell(const std::vector<TypingNotice>& notices) {
  if (notices.empty()) return;
  if (waiting_.empty()) boost::asio::post(io_, [this] { give(); });
  for (const auto& [where, user, recipients] : notices) waiting_[{where, user}] = recipients;
}

void Typing::give() {
  for (const auto& [who, recipients] : std::exchange(waiting_, {})) {
    v1::ServerFrame frame;
    frame.mutable_typing()->set_conversation_id(who.first.text());
    frame.mutable_typing()->set_user_id(who.second.value);
    Encoded message(frame);
    for (const auto user : recipients)
      connections_.table().for_user(user, [&](Session& session) {
        if (session.state == Session::State::live && !session.full)
          connections_.send_shared(session, message.for_session(session));
      });
  }
}

}  // namespace parley::gateway
