// Input: one byte that chooses the pieces, then a client's byte stream.
#include <algorithm>
#include <string>
#include <vector>

#include "base/check.h"
#include "net/edge.h"
#include "net/handshake.h"

namespace parley::net {
namespace {

const EdgeConfig kConfig{.websocket_path = "/ws", .subprotocols = {"a", "b"}};
constexpr HttpLimits kLimits{512, 300};

struct Seen {
  std::string method, target, body, answer;
  bool operator==(const Seen&) const = default;
};

struct Reading {
  std::vector<Seen> requests;
  bool refused = false;
};

Reading read(const std::string& stream, std::size_t piece) {
  HttpReader reader;
  Reading out;
  auto& seen = out.requests;
  std::string unread;
  for (std::size_t from = 0; from < stream.size(); from += piece) {
    unread += stream.substr(from, piece);
    std::string bytes = unread;
    char* at = bytes.data();
    char* end = at + bytes.size();
    for (bool more = true; more && at != end;) {
      switch (reader.next(at, end, kLimits)) {
        case HttpReader::Kind::need_more:
          (void)reader.wants_continue();
          more = false;
          break;
        case HttpReader::Kind::refused:
          PARLEY_CHECK(reader.refusal().status >= 400, "a refusal is an error");
          out.refused = true;
          return out;
        case HttpReader::Kind::request: {
          std::string answer;
          if (asks_for_websocket(reader.message())) {
            const auto result = negotiate(reader.message(), kConfig);
            if (const auto* upgrade = std::get_if<Upgrade>(&result))
              answer = upgrade->response.view();
            else
              answer = std::get<HttpResponse>(result).body;
          }
          auto request = reader.take_request();
          PARLEY_CHECK(request.body.size() <= kLimits.max_body, "a body is within the limit");
          seen.push_back({request.method, request.target, request.body, answer});
          if (answer.starts_with("HTTP/1.1 101")) return out;
        }
      }
    }
    unread.assign(at, static_cast<std::size_t>(end - at));
    PARLEY_CHECK(unread.size() <= kLimits.max_header + 64, "what is kept is bounded");
  }
  return out;
}

/// Only how soon a stream is refused may depend on the pieces (a long trailer is taken, if it comes
/// at once).
bool agree(const Reading& a, const Reading& b) {
  if (!a.refused && !b.refused) return a.requests == b.requests;
  const auto common = std::min(a.requests.size(), b.requests.size());
  return std::equal(a.requests.begin(), a.requests.begin() + static_cast<std::ptrdiff_t>(common),
                    b.requests.begin());
}

}  // namespace
}  // namespace parley::net

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley::net;
  if (size < 2) return 0;
  const std::string stream(reinterpret_cast<const char*>(data + 1), size - 1);
  const auto whole = read(stream, 64 * 1024);
  PARLEY_CHECK(agree(read(stream, 1), whole), "the pieces do not matter");
  PARLEY_CHECK(agree(read(stream, data[0] % 64 + 1U), whole), "the pieces do not matter");
  return 0;
}
