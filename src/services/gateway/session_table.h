#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <memory>
#include <vector>

#include "base/ids.h"
#include "net/edge.h"
#include "services/gateway/rate.h"
#include "wire/subprotocol.h"

namespace parley::gateway {

/// One WebSocket, from its handshake on, or one event stream. Small, because most of them are idle:
/// what a session needs only while something happens lives elsewhere.
struct Session {
  enum class State : std::uint8_t { free, greeting, live, closing };
  static constexpr std::uint32_t kNone = ~0U;

  UserId user;
  DeviceId device;
  net::ConnectionId connection;
  TimeMs expires;       // of the access token or ticket
  TimeMs missed_since;  // live traffic was held back since then; 0: none was
  RateState sends;
  RateState requests;
  std::uint32_t next_of_user = kNone;  // also: the next free slot
  std::uint16_t unanswered = 0;
  wire::Subprotocol subprotocol : 1 = wire::Subprotocol::pb;
  State state : 2 = State::free;
  bool full : 1 = false;     // the edge said so, and not yet that it drained
  bool paused : 1 = false;   // too much is unanswered: the socket is not read
  bool streams : 1 = false;  // what it is sent is events; what it asks comes by other requests
};
static_assert(sizeof(Session) <= 64);

using SessionSlot = std::uint32_t;

/// The sessions of one loop in a slab that grows by chunks, and those that are live by user. A
/// Session& stays good until it is closed.
class SessionTable {
 public:
  SessionSlot open(net::ConnectionId connection, wire::Subprotocol subprotocol) {
    if (free_ == Session::kNone) grow();
    const auto slot = free_;
    auto& session = (*this)[slot];
    free_ = session.next_of_user;
    session = {};
    session.connection = connection;
    session.subprotocol = subprotocol;
    session.state = Session::State::greeting;
    ++open_;
    return slot;
  }
  void close(SessionSlot slot) {
    auto& session = (*this)[slot];
    session = {};
    session.next_of_user = free_;
    free_ = slot;
    --open_;
  }

  Session& operator[](SessionSlot slot) { return chunks_[slot / kChunk][slot % kChunk]; }
  std::size_t slots() const { return chunks_.size() * kChunk; }
  std::size_t open_sessions() const { return open_; }

  /// Lists the session under its user; whether it is the user's first here.
  bool join(SessionSlot slot) {
    auto& session = (*this)[slot];
    const auto [at, first] = by_user_.try_emplace(session.user, slot);
    session.next_of_user = first ? Session::kNone : std::exchange(at->second, slot);
    return first;
  }
  /// Takes it off again; whether it was the user's last here.
  bool leave(SessionSlot slot) {
    auto& session = (*this)[slot];
    const auto at = by_user_.find(session.user);
    std::uint32_t* link = &at->second;
    while (*link != slot) link = &(*this)[*link].next_of_user;
    *link = session.next_of_user;
    if (at->second != Session::kNone) return false;
    by_user_.erase(at);
    return true;
  }
  std::vector<UserId> users() const {
    std::vector<UserId> out;
    out.reserve(by_user_.size());
    for (const auto& [user, slot] : by_user_) out.push_back(user);
    return out;
  }
  /// `f` must not join or leave.
  template <class F>
  void for_user(UserId user, F f) {
    const auto at = by_user_.find(user);
    if (at == by_user_.end()) return;
    for (auto slot = at->second; slot != Session::kNone; slot = (*this)[slot].next_of_user)
      f((*this)[slot]);
  }

 private:
  static constexpr std::size_t kChunk = 512;

  void grow() {
    const auto first = static_cast<SessionSlot>(slots());
    chunks_.push_back(std::make_unique<Session[]>(kChunk));
    for (SessionSlot i = kChunk; i-- > 0;) {
      (*this)[first + i].next_of_user = free_;
      free_ = first + i;
    }
  }

  std::vector<std::unique_ptr<Session[]>> chunks_;
  std::uint32_t free_ = Session::kNone;
  std::size_t open_ = 0;
  boost::unordered_flat_map<UserId, SessionSlot, std::hash<UserId>> by_user_;
};

}  // namespace parley::gateway
