#include <gtest/gtest.h>

#include "adapters.h"
#include "promises.h"

namespace parley::contract {
namespace {

// One test per adapter and promise, each on an empty store. Registered by hand because both are
// lists that are known only when the program runs.
class ContractTest : public testing::Test {
 public:
  ContractTest(Adapter adapter, Promise promise)
      : adapter_(std::move(adapter)), promise_(promise) {}
  void TestBody() override {
    const auto subject = adapter_.make();
    promise_.check(*subject);
  }

 private:
  Adapter adapter_;
  Promise promise_;
};

[[maybe_unused]] const bool registered = [] {
  for (const auto& adapter : adapters())
    for (const auto& promise : all_promises())
      if ((adapter.durable || !promise.durable) && (adapter.one_log || !promise.one_log))
        testing::RegisterTest(
            ("ConversationStore/" + adapter.name).c_str(), promise.name, nullptr, nullptr, __FILE__,
            __LINE__, [=]() -> ContractTest* { return new ContractTest(adapter, promise); });
  return true;
}();

}  // namespace
}  // namespace parley::contract
