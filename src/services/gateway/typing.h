#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>
#include <deque>

#include "base/gate.h"
#include "services/gateway/connections.h"

namespace parley::gateway {

/// Who types, into one loop and out of it. Best effort and the first thing dropped: nothing is kept
/// for a session whose output is full. The loop's thread; outlives what its gate runs.
class Typing {
 public:
  Typing(Shared& shared, Connections& connections, boost::asio::io_context& io, Gate& gate)
      : shared_(shared), connections_(connections), io_(io), gate_(gate) {}

  /// The session's user types. Goes to the other members, at most once in two seconds for each
  /// session and conversation; says nothing to the session.
  void heard(const Session& session, const ConversationId& where);

  /// For the sessions of the recipients: a turn later, once per conversation and user.
  void tell(const std::vector<TypingNotice>& notices);

 private:
  using Said = std::pair<net::ConnectionId, ConversationId>;  // who said it where
  using Who = std::pair<ConversationId, UserId>;
  struct Hash {
    std::size_t operator()(const Said& said) const {
      return std::hash<net::ConnectionId>()(said.first) ^ std::hash<ConversationId>()(said.second);
    }
    std::size_t operator()(const Who& who) const {
      return std::hash<ConversationId>()(who.first) ^ std::hash<UserId>()(who.second);
    }
  };

  bool is_new(const Said& said);
  Awaitable<void> tell_peer(UserId user, ConversationId where);
  void give();

  Shared& shared_;
  Connections& connections_;
  boost::asio::io_context& io_;
  Gate& gate_;
  boost::unordered_flat_set<Said, Hash> said_;  // in the last two seconds
  std::deque<std::pair<Clock::Mono, Said>> until_;
  std::size_t looking_ = 0;  // for conversations, in the store
  boost::unordered_flat_map<Who, std::vector<UserId>, Hash> waiting_;
};

}  // namespace parley::gateway
