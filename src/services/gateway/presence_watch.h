#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <optional>

#include "base/gate.h"
#include "services/gateway/connections.h"

namespace parley::gateway {

/// What the sessions of one loop watch: who is online. A session that may not see somebody, or
/// whose output is full, is given nothing live; of those it watches the latest state is kept until
/// it can be told. One look-up per session at a time. The loop's thread.
class PresenceWatch {
 public:
  PresenceWatch(Shared& shared, Connections& connections, boost::asio::io_context& io, Gate& gate,
                std::size_t loop)
      : shared_(shared), connections_(connections), io_(io), gate_(gate), loop_(loop) {}

  /// The session watches these and no others from now on (as far as it may see them). Answered by a
  /// `presence` for each, or by an empty result: if there are none, or if another request came
  /// before the answer to this one.
  void watch(Session& session, std::uint64_t re, std::vector<UserId> users);

  /// For those who watch them: a turn later, the latest of each user.
  void tell(const std::vector<PresenceView>& changes);

  void on_drained(Session& session);
  void on_close(net::ConnectionId id);
  /// Tells the presence service whom this loop watches now, if that changed.
  void flush();

  /// Requests without an answer yet.
  std::size_t open() const { return open_; }

 private:
  using States = boost::unordered_flat_map<UserId, PresenceView, std::hash<UserId>>;
  struct Watcher {
    enum class State { idle, asking, answering } state = State::idle;
    bool looking = false;  // a coroutine does what is wanted
    std::uint64_t re = 0;
    std::optional<std::vector<UserId>> wanted;  // by the last request, if that has not begun
    std::vector<UserId> users;                  // that are watched
    States states;  // to be told, when the answer is there and the output takes it
  };

  Awaitable<void> look(net::ConnectionId id, UserId asker);
  Watcher* find(net::ConnectionId id);
  void replace(net::ConnectionId id, Watcher& watcher, std::vector<UserId> users);
  void give(Session& session, Watcher& watcher);
  void refuse(net::ConnectionId id, Watcher& watcher, const Error& error);
  void finish(Session& session, Watcher& watcher);
  void give_all();

  Shared& shared_;
  Connections& connections_;
  boost::asio::io_context& io_;
  Gate& gate_;
  const std::size_t loop_;
  std::size_t open_ = 0;
  bool changed_ = false;  // what this loop watches
  boost::unordered_flat_map<net::ConnectionId, Watcher, std::hash<net::ConnectionId>> watchers_;
  boost::unordered_flat_map<UserId, std::vector<net::ConnectionId>, std::hash<UserId>> by_user_;
  States news_;
};

}  // namespace parley::gateway
