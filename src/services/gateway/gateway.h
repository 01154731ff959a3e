#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <vector>

#include "api/auth.h"
#include "api/delivery.h"
#include "api/discovery.h"
#include "api/group.h"
#include "api/message.h"
#include "api/presence.h"
#include "api/session.h"
#include "api/user.h"
#include "base/clock.h"
#include "base/loops.h"
#include "base/metrics.h"
#include "ports/traces.h"
#include "services/gateway/settings.h"

namespace parley::gateway {

/// The services that a gateway speaks to. All of them outlive it.
struct Services {
  MessageApi& messages;
  AuthApi& auth;
  UserApi& users;
  SessionApi& sessions;
  GroupApi& groups;
  PresenceApi& presence;
  DiscoveryApi& discovery;
  ReachGateway reach;        // the gateways of all processes, this one too; any loop
  Traces* traces = nullptr;  // null: nothing is traced
};

/// Holds the client connections of one process: WebSocket and REST on one port, one edge per event
/// loop. Keeps nothing that must survive: whatever it drops, the message service hands over again.
///
/// Life: construct and `listen` before `Loops::start()` (or on loop 0), `drain`, stop the loops,
/// and only then destroy. `DeliveryApi` may be called from any thread.
class Gateway final : public DeliveryApi {
 public:
  Gateway(Loops& loops, const Clock& clock, Settings settings, Services services,
          const TicketKey& ticket_key, Metrics& metrics, GatewayId id);
  ~Gateway() override;

  /// Starts to take connections on a numeric address; port 0: any free one. Answers the port.
  Result<std::uint16_t> listen(const std::string& address, std::uint16_t port);

  /// Takes no more connections and requests, tells every client to `reconnect`, answers what was
  /// taken, closes with `draining`, and calls `done` once (on loop 0) when all of it is over:
  /// within `deadline`, whatever clients do, if the services answer what they were asked. Once. Any
  /// thread.
  void drain(std::chrono::milliseconds deadline, std::function<void()> done);

  /// How many there are, of `limits.connections`. Any thread.
  std::size_t connections() const;

  /// For so long what the message service handed over may not have come: every session is read for
  /// again, over seconds. Any thread.
  void read_again(std::chrono::milliseconds missed);

  void deliver(std::vector<Delivery> entries) override;
  void receipts(std::vector<ReceiptNotice> notices) override;
  void changed(std::vector<ConversationNotice> notices) override;
  void typing(std::vector<TypingNotice> notices) override;
  void presence(std::vector<PresenceView> changes) override;
  void sign_out(UserId user, DeviceId device) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::gateway
