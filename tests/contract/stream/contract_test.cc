// What every stream promises (src/ports/stream.h), held by every adapter.
#include "tests/contract/stream/adapters.h"

namespace parley::test {
namespace {

struct Adapter {
  const char* name;
  std::unique_ptr<StreamUnderTest> (*make)();
};
const Adapter kAdapters[] = {
    {"Memory",
     []() -> std::unique_ptr<StreamUnderTest> { return std::make_unique<MemoryUnderTest>(); }},
    {"Kafka",
     []() -> std::unique_ptr<StreamUnderTest> { return std::make_unique<KafkaUnderTest>(); }},
};

class StreamContract : public testing::TestWithParam<std::tuple<Adapter, Promise>> {};

TEST_P(StreamContract, Holds) {
  const auto& [adapter, promise] = GetParam();
  promise.holds(*adapter.make());
}
INSTANTIATE_TEST_SUITE_P(Streams, StreamContract,
                         testing::Combine(testing::ValuesIn(kAdapters),
                                          testing::ValuesIn(stream_promises().begin(),
                                                            stream_promises().end())),
                         [](const auto& info) {
                           return std::string(std::get<0>(info.param).name) + "_" +
                                  std::get<1>(info.param).name;
                         });

}  // namespace
}  // namespace parley::test
