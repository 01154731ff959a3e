#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/codes.h"
#include "net/utf8.h"

namespace parley::net {

/// RFC 6455 section 5.2.
enum class Opcode : std::uint8_t {
  continuation = 0,
  text = 1,
  binary = 2,
  close = 8,
  ping = 9,
  pong = 10
};

/// A whole unmasked frame in one block.
SharedBytes encode_frame(Opcode opcode, std::string_view payload);
/// `code` kNoStatus (1005): without one. The reason is cut to what a control frame can hold.
SharedBytes encode_close(CloseCode code, std::string_view reason);

/// Reads a client's frames out of bytes that come in any pieces. A data message that lies whole in
/// the bytes given is unmasked there and never copied. While `idle()`, the reader holds nothing: it
/// may be thrown away, and another takes over at the next byte.
class FrameReader {
 public:
  enum class Kind { need_more, message, ping, pong, close, violation };
  struct Event {
    Kind kind = Kind::need_more;
    bool binary = false;
    std::string_view payload = {};  // valid until the next call, and as long as the bytes given
    CloseCode code = CloseCode::normal;  // of a violation: how to close
    std::string_view violation = {};     // of a violation: what is wrong
  };

  /// The next event in `[at, end)`; moves `at` behind what it has taken, and overwrites that.
  /// `need_more` takes everything. After a violation the reader is of no further use.
  Event next(char*& at, char* end, std::size_t max_message);

  bool idle() const { return !in_frame_ && header_size_ == 0 && !in_message_; }

 private:
  bool read_header(char*& at, char* end);
  std::optional<Event> check_header(std::size_t max_message);
  Event whole(std::string_view payload);

  std::array<char, 14> header_;
  std::uint8_t header_size_ = 0;  // bytes of an incomplete header

  bool in_frame_ = false;
  bool fin_ = false;
  bool minimal_ = false;  // the length was encoded in the fewest bytes
  bool masked_ = false;
  std::uint8_t reserved_ = 0;
  Opcode opcode_ = Opcode::continuation;
  std::uint64_t remaining_ = 0;  // bytes of the frame's payload yet to come
  std::uint32_t key_ = 0;

  bool in_message_ = false;  // between the first frame of a data message and its end
  bool binary_ = false;
  bool delivered_ = false;
  Utf8Checker utf8_;
  std::string message_;
  std::string control_;
};

/// What a close frame says.
struct ClosePayload {
  CloseCode code;             // the peer's, or kNoStatus; of a bad one: how to answer
  std::string_view bad = {};  // what is wrong with it, or empty
};
ClosePayload parse_close(std::string_view payload);

}  // namespace parley::net
