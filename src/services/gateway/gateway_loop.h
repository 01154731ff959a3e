#pragma once
#include <boost/asio/steady_timer.hpp>

#include "api/delivery.h"
#include "base/gate.h"
#include "services/gateway/connections.h"
#include "services/gateway/encoded.h"
#include "services/gateway/inflight.h"
#include "services/gateway/presence_watch.h"
#include "services/gateway/rest/router.h"
#include "services/gateway/store_reads.h"
#include "services/gateway/streams.h"
#include "services/gateway/typing.h"
#include "wire/client_reader.h"

namespace parley::gateway {

/// The part of a gateway that lives on one event loop: its edge, its sessions, and what they asked.
/// Constructed anywhere; everything else is for the loop's thread.
class GatewayLoop final : public net::EdgeHandler, private Streams {
 public:
  GatewayLoop(Shared& shared, std::size_t index, Metrics& metrics,
              std::shared_ptr<net::Admission> admission);

  net::Edge& edge() { return *edge_; }
  void start() { sweep(); }

  void deliver(const std::vector<Delivery>& entries);
  void receipts(const std::vector<ReceiptNotice>& notices);
  void changed(const std::vector<ConversationNotice>& notices);
  void typing(const std::vector<TypingNotice>& notices) { typing_.tell(notices); }
  void presence(const std::vector<PresenceView>& changes) { watch_.tell(changes); }
  void sign_out(UserId user, DeviceId device);
  /// What was handed over since then may not have come.
  void read_again(TimeMs since);

  /// Who has a session here.
  std::vector<UserId> users() { return connections_.table().users(); }
  /// Sends every session `reconnect`. From then on requests are answered `unavailable`.
  void announce_stop();
  /// Nothing that a client asked for is unanswered.
  bool is_idle() const { return inflight_.open() == 0 && reads_.open() == 0 && watch_.open() == 0; }
  /// Closes all connections; `done` is posted when nothing of this loop runs any more.
  void stop(std::function<void()> done);

  void on_open(net::ConnectionId id, unsigned subprotocol, std::string_view address) override;
  void on_message(net::ConnectionId id, bool binary, std::string_view payload) override;
  void on_drained(net::ConnectionId id) override;
  void on_close(net::ConnectionId id, CloseCode code) override;
  void on_http(net::ConnectionId id, net::HttpRequest&& request) override;
  void on_turn_end() override;

 private:
  // loop_frames.cc: what a client may ask
  void handle(Session& session, const wire::ClientItem& item);
  Result<void> admit(Session& session, const v1::ClientFrame& frame);
  Result<void> perform(Session& session, const v1::ClientFrame& frame);
  void greet(Session& session, const wire::ClientItem& item);
  static Result<Cursor> check_hello(const v1::Hello& hello);
  Result<Principal> authenticate(const v1::Hello& hello) const override;
  void begin(Session& session, std::uint64_t re, const Principal& who, const Cursor& since);
  void welcome(Session& session, std::uint64_t re, const Principal& who);
  Result<void> replace_token(Session& session, const v1::ClientFrame& frame);
  Result<void> send(Session& session, const v1::ClientFrame& frame);
  Result<void> ack(Session& session, const v1::Ack& ack);
  Result<void> read(Session& session, const v1::ClientFrame& frame);
  Result<void> typing(Session& session, const v1::Typing& typing);
  Result<void> watch(Session& session, const v1::ClientFrame& frame);

  // loop_streams.cc: sessions by event stream and POST
  Result<void> open(net::ConnectionId id, const Principal& who,
                    const v1::ClientFrame& hello) override;
  Awaitable<Result<void>> take(Origin stream, Principal who, std::string message) override;
  Awaitable<Result<void>> take_here(Origin stream, Principal who, std::string message);

  // loop_delivery.cc: what the other services hand over
  void give(Session& session, Encoded& message, TimeMs since);

  Asker asker(const Session& session) const {
    return {session.user, session.device, connections_.origin(session.connection)};
  }
  void sweep();

  Shared& shared_;
  boost::asio::io_context& io_;
  Gate gate_;
  std::unique_ptr<net::Edge> edge_;  // until `stop` is done
  Connections connections_;
  Inflight inflight_;
  StoreReads reads_;
  Typing typing_;
  PresenceWatch watch_;
  rest::Router router_;
  wire::ClientReader reader_;
  const RateLimit sends_limit_;
  const RateLimit requests_limit_;
  boost::asio::steady_timer sweeper_;
  SessionSlot sweep_at_ = 0;
  Clock::Mono swept_;
  bool stopped_ = false;
};

}  // namespace parley::gateway
