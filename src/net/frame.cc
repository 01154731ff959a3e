#include "net/frame.h"

#include <algorithm>
#include <cstring>

#include "net/edge.h"
#include "net/mask.h"

namespace parley::net {
namespace {

constexpr std::size_t kMaxControl = 125;

bool is_control(Opcode opcode) { return static_cast<std::uint8_t>(opcode) >= 8; }
bool is_known(Opcode opcode) {
  return opcode <= Opcode::binary || (opcode >= Opcode::close && opcode <= Opcode::pong);
}

std::size_t header_length(char second) {
  const auto length = static_cast<std::uint8_t>(second) & 0x7F;
  const bool masked = static_cast<std::uint8_t>(second) & 0x80;
  return 2 + (length == 126 ? 2 : length == 127 ? 8 : 0) + (masked ? 4 : 0);
}

std::uint64_t big_endian(const char* at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<std::uint8_t>(at[i]);
  return value;
}

FrameReader::Event violation(CloseCode code, std::string_view what) {
  return {.kind = FrameReader::Kind::violation, .code = code, .violation = what};
}

}  // namespace

SharedBytes encode_frame(Opcode opcode, std::string_view payload) {
  char header[10];
  std::size_t size = 2;
  header[0] = static_cast<char>(0x80 | static_cast<std::uint8_t>(opcode));
  if (payload.size() < 126) {
    header[1] = static_cast<char>(payload.size());
  } else {
    const std::size_t bytes = payload.size() <= 0xFFFF ? 2 : 8;
    header[1] = bytes == 2 ? 126 : 127;
    for (std::size_t i = 0; i < bytes; ++i)
      header[size++] = static_cast<char>(payload.size() >> (8 * (bytes - 1 - i)));
  }
  return SharedBytes({header, size}, payload);
}

SharedBytes encode_message(bool binary, std::string_view payload) {
  return encode_frame(binary ? Opcode::binary : Opcode::text, payload);
}

SharedBytes encode_close(CloseCode code, std::string_view reason) {
  if (code == kNoStatus) return encode_frame(Opcode::close, {});
  const auto number = static_cast<std::uint16_t>(code);
  std::string payload{static_cast<char>(number >> 8), static_cast<char>(number & 0xFF)};
  auto room = std::min(reason.size(), kMaxControl - 2);
  while (room < reason.size() && room > 0 && (reason[room] & 0xC0) == 0x80) --room;
  payload += reason.substr(0, room);
  return encode_frame(Opcode::close, payload);
}

FrameReader::Event FrameReader::next(char*& at, char* end, std::size_t max_message) {
  if (delivered_) {
    delivered_ = false;
    message_.clear();
  }
  while (in_frame_ || at != end) {
    if (!in_frame_) {
      const bool untouched = header_size_ == 0;
      if (!read_header(at, end)) return {};
      if (auto bad = check_header(max_message)) return *bad;
      in_frame_ = true;
      const bool stands_alone = is_control(opcode_) || (fin_ && !in_message_);
      if (untouched && stands_alone && remaining_ <= static_cast<std::size_t>(end - at)) {
        const std::string_view payload(at, remaining_);
        unmask(at, remaining_, key_);
        at += remaining_;
        if (opcode_ == Opcode::text && !is_utf8(payload))
          return violation(CloseCode::invalid_utf8, "a text message is not UTF-8");
        if (!is_control(opcode_)) binary_ = opcode_ == Opcode::binary;
        return whole(payload);
      }
      if (opcode_ == Opcode::text || opcode_ == Opcode::binary) {
        in_message_ = true;
        binary_ = opcode_ == Opcode::binary;
        utf8_ = {};
      }
      if (is_control(opcode_)) control_.clear();
    }

    const auto size = std::min<std::uint64_t>(remaining_, end - at);
    key_ = unmask(at, size, key_);
    const std::string_view piece(at, size);
    at += size;
    remaining_ -= size;
    if (is_control(opcode_)) {
      control_ += piece;
      if (remaining_ > 0) return {};
      return whole(control_);
    }
    message_ += piece;
    const bool ends = remaining_ == 0 && fin_;
    if (!binary_ && (!utf8_.feed(piece) || (ends && !utf8_.complete())))
      return violation(CloseCode::invalid_utf8, "a text message is not UTF-8");
    if (ends) {
      in_message_ = false;
      delivered_ = true;
      return whole(message_);
    }
    if (remaining_ > 0) return {};
    in_frame_ = false;
  }
  return {};
}

/// Decodes a header into the members, or keeps its first bytes.
bool FrameReader::read_header(char*& at, char* end) {
  const char* header = at;
  if (header_size_ == 0 && end - at >= 2 &&
      static_cast<std::size_t>(end - at) >= header_length(at[1])) {
    at += header_length(at[1]);
  } else {
    while (header_size_ < 2 || header_size_ < header_length(header_[1])) {
      if (at == end) return false;
      header_[header_size_++] = *at++;
    }
    header = header_.data();
  }
  header_size_ = 0;

  const auto first = static_cast<std::uint8_t>(header[0]);
  const auto second = static_cast<std::uint8_t>(header[1]);
  fin_ = first & 0x80;
  reserved_ = first & 0x70;
  opcode_ = static_cast<Opcode>(first & 0x0F);
  masked_ = second & 0x80;
  remaining_ = second & 0x7F;
  minimal_ = true;
  std::size_t size = 2;
  if (remaining_ == 126) {
    remaining_ = big_endian(header + 2, 2);
    minimal_ = remaining_ >= 126;
    size += 2;
  } else if (remaining_ == 127) {
    remaining_ = big_endian(header + 2, 8);
    minimal_ = remaining_ > 0xFFFF;
    size += 8;
  }
  key_ = 0;
  if (masked_) std::memcpy(&key_, header + size, 4);
  return true;
}

std::optional<FrameReader::Event> FrameReader::check_header(std::size_t max_message) {
  const auto broken = [](std::string_view what) {
    return violation(CloseCode::protocol_violation, what);
  };
  if (reserved_ != 0) return broken("a reserved bit is set, but no extension was agreed on");
  if (!is_known(opcode_)) return broken("the opcode is unknown");
  if (!masked_) return broken("a client's frame must be masked");
  if (!minimal_) return broken("the length is not encoded in the fewest bytes");
  if (remaining_ >> 63) return broken("the length is above 2^63");
  if (is_control(opcode_)) {
    if (!fin_) return broken("a control frame is fragmented");
    if (remaining_ > kMaxControl) return broken("a control frame is longer than 125 bytes");
    return {};
  }
  if ((opcode_ == Opcode::continuation) != in_message_)
    return broken(in_message_ ? "a new message begins inside another"
                              : "a continuation frame has nothing to continue");
  if (remaining_ > max_message - message_.size())
    return violation(CloseCode::message_too_big, "the message is larger than this server takes");
  return {};
}

FrameReader::Event FrameReader::whole(std::string_view payload) {
  in_frame_ = false;
  remaining_ = 0;
  switch (opcode_) {
    case Opcode::ping:
      return {.kind = Kind::ping, .payload = payload};
    case Opcode::pong:
      return {.kind = Kind::pong, .payload = payload};
    case Opcode::close:
      return {.kind = Kind::close, .payload = payload};
    default:
      return {.kind = Kind::message, .binary = binary_, .payload = payload};
  }
}

ClosePayload parse_close(std::string_view payload) {
  if (payload.empty()) return {kNoStatus};
  if (payload.size() == 1)
    return {CloseCode::protocol_violation, "a close frame has half a status code"};
  const auto code = static_cast<std::uint16_t>(big_endian(payload.data(), 2));
  // RFC 6455 section 7.4 and the IANA registry: 1004 to 1006 and 1015 never travel.
  const bool allowed = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
                       (code >= 3000 && code <= 4999);
  if (!allowed) return {CloseCode::protocol_violation, "the close code may not be sent"};
  if (!is_utf8(payload.substr(2)))
    return {CloseCode::invalid_utf8, "the reason of a close frame is not UTF-8"};
  return {static_cast<CloseCode>(code)};
}

}  // namespace parley::net
