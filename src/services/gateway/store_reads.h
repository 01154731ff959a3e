#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <memory>

#include "base/gate.h"
#include "services/gateway/backlog.h"
#include "services/gateway/connections.h"
#include "services/gateway/validate.h"

namespace parley::gateway {

/// What the sessions of one loop read from the store: backlogs, history. One reading per session at
/// a time, in the order asked, and none goes on while the session's output is full: so a reader
/// that is slow, or asks for much, holds one page of memory. The loop's thread.
class StoreReads {
 public:
  StoreReads(Shared& shared, Connections& connections, boost::asio::io_context& io, Gate& gate)
      : shared_(shared), connections_(connections), io_(io), gate_(gate) {}

  /// Answered by `backlog_end` after what changed since the cursor.
  void backlog(Session& session, std::uint64_t re, Cursor since);
  void history(Session& session, std::uint64_t re, HistoryRequest request);

  void on_drained(Session& session);
  void on_close(net::ConnectionId id);

  /// Sessions that are being read for.
  std::size_t open() const { return queues_.size(); }

 private:
  struct Job {
    enum class Kind { backlog, catch_up, history } kind;
    std::uint64_t re = 0;
    Cursor since = {};
    HistoryRequest request = {};
  };
  struct Queue {
    explicit Queue(boost::asio::io_context& io) : drained(io) {}
    std::deque<Job> jobs;
    bool catching_up = false;  // a catch_up waits in `jobs`
    boost::asio::steady_timer drained;
  };
  class Sink;

  void add(Session& session, Job job);
  Awaitable<void> run(net::ConnectionId id, Queue& queue);
  Awaitable<void> read_backlog_for(net::ConnectionId id, Queue& queue, Job job);
  Awaitable<void> read_history_for(net::ConnectionId id, Queue& queue, Job job);
  /// Until the session service knows that the user is here: what is committed after the backlog is
  /// read is handed to those whom it knows.
  Awaitable<void> until_known(UserId user);
  /// The session, once its output is not full; null if it is gone.
  Awaitable<Session*> writable(net::ConnectionId id, Queue& queue);

  Shared& shared_;
  Connections& connections_;
  boost::asio::io_context& io_;
  Gate& gate_;
  std::uint64_t epoch_ = 0;  // of the store, as last heard
  boost::unordered_flat_map<net::ConnectionId, std::unique_ptr<Queue>, std::hash<net::ConnectionId>>
      queues_;
};

}  // namespace parley::gateway
