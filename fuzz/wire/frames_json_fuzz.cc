// Input: a text message of parley.v1.json, or a body of REST: the reader is the same.
#include <google/protobuf/util/message_differencer.h>

#include "base/check.h"
#include "domain/text.h"
#include "wire/client_reader.h"
#include "wire/json_writer.h"

namespace parley::wire {
namespace {
constexpr std::size_t kMaxFrames = 128;
constexpr std::size_t kMaxBytes = 64 * 1024;

void check(std::string_view payload) {
  static ClientReader reader(kMaxFrames, kMaxBytes), again(kMaxFrames, 8 * kMaxBytes);
  const auto items = reader.read(Subprotocol::json, payload);
  if (!items) {
    const auto code = items.error().code;
    PARLEY_CHECK(code == Code::malformed || code == Code::too_large, "a named error");
    return;
  }
  PARLEY_CHECK(items->size() <= kMaxFrames, "the limit on frames holds");
  for (const auto& item : *items) {
    if (!item.frame) {
      PARLEY_CHECK(item.error.code == Code::malformed && !item.error.field.empty(),
                   "an error that names the field");
      continue;
    }
    PARLEY_CHECK(is_utf8(item.frame->send().body().text()), "text is UTF-8");
    const auto text = to_json(*item.frame);
    const auto second = again.read(Subprotocol::json, text);
    PARLEY_CHECK(second && second->size() == 1 && second->front().frame,
                 "what was read, written by protobuf's own writer, is read");
    PARLEY_CHECK(
        google::protobuf::util::MessageDifferencer::Equals(*item.frame, *second->front().frame),
        "and is the same");
  }
}

}  // namespace
}  // namespace parley::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  parley::wire::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
