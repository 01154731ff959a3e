#pragma once
#include <atomic>

#include "base/clock.h"
#include "base/loops.h"
#include "base/metrics.h"
#include "services/gateway/gateway.h"
#include "services/gateway/presence.h"
#include "services/gateway/settings.h"
#include "services/gateway/stream_directory.h"
#include "services/gateway/ticket.h"
#include "services/gateway/watched.h"

namespace parley::gateway {

/// What `/metrics` shows of all loops of a gateway.
struct GatewayMetrics {
  explicit GatewayMetrics(Metrics& in)
      : sessions(in.gauge("parley_gateway_sessions", "authenticated client connections")),
        resumes(in.counter("parley_gateway_resumes_total", "sessions begun with a ticket")),
        sends(in.counter("parley_gateway_sends_total", "messages given to the message service")),
        deliveries(in.counter("parley_gateway_deliveries_total", "entries given to sessions live")),
        held_back(in.counter("parley_gateway_held_back_total",
                             "entries not given live because the session's output was full")),
        errors(in.counter("parley_gateway_errors_total", "errors answered, frames and REST")),
        rest(in.counter("parley_gateway_rest_requests_total", "REST requests answered")),
        open(in.gauge("parley_gateway_sends_open", "messages that are not answered yet")),
        reading(
            in.gauge("parley_gateway_reading", "sessions that are given their backlog or history")),
        send_took(in.histogram("parley_gateway_send_seconds",
                               "from a message's loop turn to its answer: stored, or an error")) {}

  Metric &sessions, &resumes, &sends, &deliveries, &held_back, &errors, &rest, &open, &reading;
  Histogram& send_took;
};

class GatewayLoop;

/// What the loops of a gateway share. Outlives them.
struct Shared {
  /// Whose a resume ticket is: `unauthenticated` if its device was signed out.
  Result<Principal> check_ticket(std::string_view ticket) const {
    auto who = tickets.check(ticket, clock.wall());
    if (who && services.auth.is_revoked(who->device))
      return fail(Code::unauthenticated, "this device was signed out");
    return who;
  }

  Loops& loops;
  const Clock& clock;
  Settings settings;
  Services services;
  Tickets tickets;
  LocalPresence presence;
  Watched watched;
  GatewayMetrics metrics;
  GatewayId id;
  std::atomic<bool> draining{false};
  StreamDirectory streams = {};
  std::vector<GatewayLoop*> loop_parts = {};  // as they are numbered; set once, before they start
};

}  // namespace parley::gateway
