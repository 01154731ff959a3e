#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <deque>
#include <vector>

#include "services/gateway/connections.h"
#include "services/gateway/one_shot.h"

namespace parley::gateway {

/// Sends and marks of one loop on their way through the message service: collected for a loop turn,
/// handed over in one batch each, and matched with their answers. The loop's thread; outlives what
/// it handed over.
class Inflight final : public MessageListener {
 public:
  Inflight(Shared& shared, Connections& connections) : shared_(shared), connections_(connections) {}

  /// From a session, answered by a frame (if `re` is not 0).
  void send(Session& session, std::uint64_t re, SendRequest request);
  void read(Session& session, std::uint64_t re, MarkRequest request);
  void delivered(MarkRequest request) { marks_.push_back(std::move(request)); }

  /// From REST.
  Awaitable<Result<Head>> send(boost::asio::io_context& io, SendRequest request);
  Awaitable<Result<void>> read(boost::asio::io_context& io, MarkRequest request);

  /// Hands over what was collected.
  void flush();

  /// Requests without an answer yet.
  std::size_t open() const { return waiting_.size() - free_.size(); }

  void on_sent(std::vector<SendAnswer> answers) override;
  void on_marked(std::vector<MarkAnswer> answers) override;

 private:
  struct Waiting {
    net::ConnectionId connection;  // none: REST
    std::uint64_t re = 0;
    ConversationId conversation;
    OneShot<Result<Head>>* sent = nullptr;
    OneShot<Result<void>>* marked = nullptr;
    Clock::Mono since = {};  // the turn in which it came
  };
  struct Traced {
    TraceId trace;
    Span::Time begin;
  };
  Clock::Mono turn();
  std::uint64_t keep(Waiting waiting);
  Waiting take(std::uint64_t token);
  void trace(const SendRequest& request);
  void traced(std::uint64_t token, const Waiting& waiting, const Result<Head>& sent);

  Shared& shared_;
  Connections& connections_;
  std::vector<SendRequest> sends_;
  std::vector<MarkRequest> marks_;
  Clock::Mono turn_{};           // when the first send of this turn came
  std::deque<Waiting> waiting_;  // a token is an index plus one
  std::vector<std::uint64_t> free_;
  boost::unordered_flat_map<std::uint64_t, Traced> traced_;  // by token
};

}  // namespace parley::gateway
