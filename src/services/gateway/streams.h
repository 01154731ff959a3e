#pragma once
#include <string>

#include "api/auth.h"
#include "net/edge.h"
#include "parley/v1/frames.pb.h"

namespace parley::gateway {

/// Sessions by event stream and POST, as the HTTP interface of one loop asks for them. The loop's
/// thread.
class Streams {
 public:
  virtual ~Streams() = default;

  /// Whose a session is to be: as a WebSocket's hello says, by its ticket or else its token.
  virtual Result<Principal> authenticate(const v1::Hello& hello) const = 0;

  /// Answers the request of that connection by an event stream, which begins with `welcome`. An
  /// error leaves the request to be answered.
  virtual Result<void> open(net::ConnectionId id, const Principal& who,
                            const v1::ClientFrame& hello) = 0;

  /// Takes a message as a WebSocket would bring it, for a stream of any loop of this gateway; what
  /// is wrong with a frame, and every answer, comes by the stream. Error: nothing was taken.
  virtual Awaitable<Result<void>> take(Origin stream, Principal who, std::string message) = 0;
};

}  // namespace parley::gateway
