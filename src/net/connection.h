#pragma once
#include <cstdint>
#include <memory>
#include <string>

#include "base/codes.h"
#include "net/admission.h"
#include "net/frame.h"
#include "net/http_reader.h"
#include "net/output_queue.h"

namespace parley::net {

/// What a connection has sent but is not used up yet. Exists only while there is such a thing.
struct Input {
  std::string unread;                   // behind a pause, an unanswered request, or a cut header
  std::unique_ptr<HttpReader> http;     // a request that is under way
  std::unique_ptr<FrameReader> frames;  // a frame or message that is under way
};

/// A slot of an edge's slab.
struct Connection {
  enum class State : std::uint8_t {
    free,
    http,       // waits for a request, or reads one
    answering,  // the owner has a request
    replying,   // its response is being written
    open,       // WebSocket, or a stream of events
    closing,    // our close frame is queued or sent; waits for the peer's
    lingering,  // what is queued is the last; then the peer is given time to read it
    ended,      // the socket is closed, the owner is still to be told
  };

  std::uint64_t tag = 0;
  std::unique_ptr<Input> input;
  std::unique_ptr<OutputQueue> output;
  int fd = -1;
  std::uint32_t reuse = 1;
  std::uint32_t since = 0;  // tick of entering the state (http: of the request's first byte)
  std::uint32_t heard = 0;  // tick of the last traffic; of a free slot: the next free one
  Admission::Ticket ticket = 0;
  CloseCode close_code = CloseCode{0};  // as on_close will tell; 0: not decided
  State state = State::free;

  bool refused : 1 = false;     // holds no ticket
  bool heralded : 1 = false;    // a proxy's header is still to come, before all else
  bool forwards : 1 = false;    // each request says for whom it is
  bool opened : 1 = false;      // on_open was told, or stream() called
  bool streams : 1 = false;     // events: since is the tick of the last comment
  bool hello_done : 1 = false;  // the owner has ended that deadline
  bool pinged : 1 = false;      // and nothing was heard since
  bool paused : 1 = false;      // by the owner
  bool deaf : 1 = false;        // by ourselves: a request awaits its answer
  bool full : 1 = false;        // the owner was told so
  bool blocked : 1 = false;     // the socket takes nothing now
  bool dirty : 1 = false;       // is in the list to be flushed
  bool continues : 1 = false;   // is in the list whose unread input is to be used up
  bool farewell : 1 = false;    // closing: the peer's close frame is in
  bool shut : 1 = false;        // lingering: our direction is shut down
  bool fresh : 1 = true;        // http: bytes of the next request have come, or it is the first
  bool keep_alive : 1 = true;   // of the request under way
  bool head_only : 1 = false;   // of the request under way
  bool watches_in : 1 = true;   // what the epoll set was told
  bool watches_out : 1 = false;
};
static_assert(sizeof(Connection) <= 56, "an idle connection is to cost 64 bytes with its timer");

}  // namespace parley::net
