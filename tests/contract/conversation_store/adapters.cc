#include "adapters.h"

#include "adapters/conversation_store/memory/memory_conversation_store.h"

namespace parley::contract {
namespace {

class MemorySubject final : public Subject {
 public:
  ConversationStore& store() override { return store_; }
  Feed& feed() override { return store_; }

 private:
  MemoryConversationStore store_;
};

}  // namespace

std::vector<Adapter> adapters() {
  return {{"memory", false, [] { return std::make_unique<MemorySubject>(); }}};
}

}  // namespace parley::contract
