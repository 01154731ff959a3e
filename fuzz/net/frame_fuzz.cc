// Input: one byte that chooses the pieces, then a client's byte stream.
#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"
#include "net/frame.h"

namespace parley::net {
namespace {

constexpr std::size_t kMaxMessage = 1000;

struct Seen {
  FrameReader::Kind kind;
  bool binary;
  std::string payload;
  CloseCode code;
  bool operator==(const Seen&) const = default;
};

std::vector<Seen> read(std::string stream, std::size_t piece) {
  FrameReader reader;
  std::vector<Seen> seen;
  for (std::size_t from = 0; from < stream.size(); from += piece) {
    // A block of its own, so that a sanitizer sees a step beyond it.
    std::string bytes = stream.substr(from, piece);
    char* at = bytes.data();
    char* end = at + bytes.size();
    while (at != end) {
      const auto event = reader.next(at, end, kMaxMessage);
      if (event.kind == FrameReader::Kind::need_more) {
        PARLEY_CHECK(at == end, "need_more takes everything");
        break;
      }
      seen.push_back({event.kind, event.binary, std::string(event.payload), event.code});
      if (event.kind == FrameReader::Kind::violation) return seen;
      PARLEY_CHECK(event.payload.size() <= kMaxMessage, "a message is within the limit");
      if (event.kind == FrameReader::Kind::message)
        PARLEY_CHECK(event.binary || is_utf8(event.payload), "a text is UTF-8");
      else
        PARLEY_CHECK(event.payload.size() <= 125, "a control frame is within its limit");
      if (event.kind == FrameReader::Kind::close) (void)parse_close(event.payload);
    }
    if (reader.idle()) reader = {};  // as the edge does between messages
  }
  return seen;
}

}  // namespace
}  // namespace parley::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley::net;
  if (size < 2) return 0;
  const std::string stream(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto whole = read(stream, stream.size());
  PARLEY_CHECK(read(stream, 1) == whole, "the pieces do not matter");
  PARLEY_CHECK(read(stream, data[0] % 64 + 1U) == whole, "the pieces do not matter");
  return 0;
}
