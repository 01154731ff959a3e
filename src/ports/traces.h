#pragma once
#include <chrono>
#include <string_view>

#include "domain/entry.h"
#include "domain/trace.h"

namespace parley {

/// What happens to a message, in this order.
enum class Stage : std::uint8_t {
  gateway,   // from its loop turn at the sender's gateway to the answer
  owner,     // from its coming to the conversation's owner to the answer
  commit,    // from there to the store, and back: durable
  feed,      // of a group: from its time to where the group service has it
  fan_out,   // to whom it goes, and to which gateways
  delivery,  // at one loop of one gateway: to connections
};

/// One stage of one message. It has no content of it.
struct Span {
  using Time = std::chrono::system_clock::time_point;

  TraceId trace;
  Stage stage;
  Stage parent;  // of the first stage: itself
  Time begin, end;
  ConversationId conversation;
  Seq seq = {};                  // 0: it got none
  std::uint64_t instance = 0;    // which of several of this stage; parents are 0
  std::string_view failed = {};  // the code of its failure, if it failed: a literal
};

/// Takes note of what happens to some messages: which is decided by their trace alone, so that all
/// processes with the same settings choose the same. Any thread.
///
/// Services hold a pointer, null where nothing is traced, which is what that costs.
class Traces {
 public:
  /// `per_million`: of so many messages.
  explicit Traces(std::size_t per_million) : per_million_(per_million) {}
  virtual ~Traces() = default;

  bool wants(const TraceId& trace) const {
    // The high bits of a product are mixed from all bits (Fibonacci hashing, Knuth 6.4).
    const auto mixed = ((trace.high ^ trace.low) * 0x9E3779B97F4A7C15ull) >> 32;
    return mixed * 1'000'000 < (per_million_ << 32);
  }
  /// Never waits and never fails: what is too much is dropped.
  virtual void take(Span span) = 0;

  /// A stage of an entry that is over now.
  void take(Stage stage, Stage parent, const Entry& entry, Span::Time begin,
            std::uint64_t instance = 0, std::string_view failed = {}) {
    take({trace_of(entry.sender, entry.client_message_id), stage, parent, begin,
          std::chrono::system_clock::now(), entry.conversation, entry.seq, instance, failed});
  }
  bool wants(const Entry& entry) const {
    return entry.kind == EntryKind::message &&
           wants(trace_of(entry.sender, entry.client_message_id));
  }

 private:
  const std::uint64_t per_million_;
};

/// What a span of `stage` is called in its trace: the same for whoever asks. 0 for no span.
inline std::uint64_t span_id(const TraceId& trace, Stage stage, std::uint64_t instance) {
  auto x = trace.low ^ (trace.high << 1) ^
           (static_cast<std::uint64_t>(stage) + 1) * 0x9E3779B97F4A7C15ull ^
           instance * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;  // splitmix64's finish (Steele et al., 2014)
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  x ^= x >> 31;
  return x == 0 ? 1 : x;
}

}  // namespace parley
