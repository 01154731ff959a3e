#pragma once
#include <map>
#include <parley/v1/frames.pb.h>
#include <string>

#include "client/api.h"
#include "client/outbox.h"

namespace parley::cli {

using client::Awaitable;
using client::Outcome;

/// What became of the outbox's items, by client_message_id.
struct Flushed {
  std::map<std::string, v1::Sent> sent;
  std::map<std::string, client::Failure> refused;  // by the server, for good: out of the outbox
};

/// Sends what is in the outbox over REST, oldest first, each until it is answered: retries what may
/// be retried for 30 s in all, and then fails with the rest still in the outbox.
Awaitable<Outcome<Flushed>> flush_outbox(client::Api& api, client::Outbox& outbox);

}  // namespace parley::cli
