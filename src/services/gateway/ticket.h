#pragma once
#include <string>
#include <string_view>

#include "api/auth.h"
#include "services/gateway/settings.h"

namespace parley::gateway {

/// Resume tickets: who a session belongs to and until when, with a keyed BLAKE2b (RFC 7693) of 16
/// bytes; 55 characters of base64url. Checking one costs under a microsecond, where an access
/// token's signature costs fifty: a reconnect storm is cheap. Any thread.
class Tickets {
 public:
  explicit Tickets(const TicketKey& key);

  std::string make(const Principal& who) const;
  /// `unauthenticated` for what this key did not make, `token_expired` for what is over. Whether
  /// the device was signed out is for the caller to ask.
  Result<Principal> check(std::string_view ticket, TimeMs now) const;

 private:
  TicketKey key_;
};

}  // namespace parley::gateway
