// Input: a binary message of parley.v1.pb.
#include <google/protobuf/util/message_differencer.h>

#include "base/check.h"
#include "wire/client_reader.h"

namespace parley::wire {
namespace {
constexpr std::size_t kMaxFrames = 128;

void check(std::string_view payload) {
  static ClientReader reader(kMaxFrames, 64 * 1024);
  const auto items = reader.read(Subprotocol::pb, payload);
  v1::ClientBatch whole;
  const bool parses = whole.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
  if (!items) {
    const auto code = items.error().code;
    PARLEY_CHECK(code == Code::malformed || code == Code::too_large, "a named error");
    PARLEY_CHECK(!parses || whole.frames_size() > static_cast<int>(kMaxFrames),
                 "what the generated code reads is read");
    return;
  }
  PARLEY_CHECK(items->size() <= kMaxFrames, "the limit on frames holds");
  for (const auto& item : *items)
    if (!item.frame) PARLEY_CHECK(item.error.code == Code::malformed, "a named error");
  // The generated code is a little stricter with what it does not know (tags of more than five
  // bytes), so this holds in one direction.
  if (!parses) return;
  PARLEY_CHECK(static_cast<int>(items->size()) == whole.frames_size(), "all frames are read");
  for (int i = 0; i < whole.frames_size(); ++i) {
    const auto* frame = (*items)[static_cast<std::size_t>(i)].frame;
    PARLEY_CHECK(
        frame && google::protobuf::util::MessageDifferencer::Equals(*frame, whole.frames(i)),
        "frames are read as the generated code reads them");
  }
}

}  // namespace
}  // namespace parley::wire

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  parley::wire::check({reinterpret_cast<const char*>(data), size});
  return 0;
}
