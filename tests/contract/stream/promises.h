#pragma once
#include <gtest/gtest.h>
#include <memory>
#include <span>
#include <string>

#include "ports/stream.h"

namespace parley::test {

using namespace std::chrono_literals;

/// An adapter with a stream that is empty at first and has kLanes lanes.
class StreamUnderTest {
 public:
  static constexpr std::uint32_t kLanes = 4;

  virtual ~StreamUnderTest() = default;
  virtual std::unique_ptr<StreamPublisher> publisher() = 0;
  virtual std::unique_ptr<StreamConsumer> consumer(std::string group, StreamLanes lanes = {}) = 0;
};

/// How long a promise waits for what must come; less where it is known not to.
inline std::chrono::seconds stream_patience = 30s;

/// One promise of ports/stream.h; `holds` reports GoogleTest failures where it does not.
struct Promise {
  const char* name;
  void (*holds)(StreamUnderTest& subject);
};
std::span<const Promise> stream_promises();

}  // namespace parley::test
