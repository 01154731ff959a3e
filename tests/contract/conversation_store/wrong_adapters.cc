#include "wrong_adapters.h"

#include <deque>
#include <mutex>
#include <optional>

#include "adapters/conversation_store/memory/memory_conversation_store.h"

namespace parley::contract {
namespace {

/// Passes everything on to the store in memory.
class Faulty : public Subject, public ConversationStore {
 public:
  ConversationStore& store() override { return *this; }
  Feed* feed() override { return &inner_; }

  StoreInfo info() const override { return inner_.info(); }
  Result<Begun> begin(const ConversationId& c, Generation g) override { return inner_.begin(c, g); }
  Result<Head> head(const ConversationId& c) override { return inner_.head(c); }
  Result<std::optional<Sent>> find(const ConversationId& c, UserId sender,
                                   std::string_view key) override {
    return inner_.find(c, sender, key);
  }
  Result<std::vector<EntryPtr>> read(const ConversationId& c, Seq from, Seq to, std::size_t limit,
                                     bool newest) override {
    return inner_.read(c, from, to, limit, newest);
  }
  Result<Seq> seek(const ConversationId& c, TimeMs time) override { return inner_.seek(c, time); }
  Result<Marks> marks(const ConversationId& c, UserId user) override {
    return inner_.marks(c, user);
  }
  Result<std::vector<Participant>> participants(const ConversationId& c, UserId after,
                                                std::size_t limit) override {
    return inner_.participants(c, after, limit);
  }
  Result<std::vector<InboxRow>> inbox(UserId user, TimeMs since,
                                      std::optional<ConversationId> after,
                                      std::size_t limit) override {
    return inner_.inbox(user, since, after, limit);
  }

 protected:
  bool eleventh() { return ++calls_ % 11 == 0; }

  MemoryConversationStore inner_;
  std::mutex mutex_;

 private:
  int calls_ = 0;
};

class Forgetful final : public Faulty {
  void commit(Generation generation, TimeMs now, std::vector<Append> group, Done done) override {
    const std::lock_guard lock(mutex_);
    if (eleventh() && generation == info().generation) group.clear();
    // Entries are renumbered so that the inner store accepts them: the hole is hidden, as a store
    // that lost something would hide it.
    for (auto& append : group)
      for (auto& entry : append.entries) {
        auto copy = std::make_shared<Entry>(*entry);
        if (generation == info().generation) copy->seq = Seq(++heads_[append.conversation]);
        entry = copy;
      }
    inner_.commit(generation, now, std::move(group), std::move(done));
  }
  std::unordered_map<ConversationId, std::uint64_t> heads_;
};

class Repeating final : public Faulty {
  void commit(Generation generation, TimeMs now, std::vector<Append> group, Done done) override {
    const std::lock_guard lock(mutex_);
    const bool twice = eleventh();
    if (generation == info().generation)
      for (auto& append : group) {
        if (append.entries.empty()) continue;
        if (twice) append.entries.push_back(append.entries.back());
        for (auto& entry : append.entries) {
          auto copy = std::make_shared<Entry>(*entry);
          copy->seq = Seq(++heads_[append.conversation]);
          entry = copy;
        }
      }
    inner_.commit(generation, now, std::move(group), std::move(done));
  }
  std::unordered_map<ConversationId, std::uint64_t> heads_;
};

class Hasty final : public Faulty {
 public:
  ~Hasty() override { store_held(); }

 private:
  void commit(Generation generation, TimeMs now, std::vector<Append> group, Done done) override {
    const std::lock_guard lock(mutex_);
    store_held();
    if (generation != info().generation) return inner_.commit(generation, now, {}, std::move(done));
    for (const auto& append : group) stored_ += append.entries.size();
    held_ = Held{now, std::move(group)};
    // Answered on the inner store's thread, as a right one would, but with nothing stored.
    inner_.commit(generation, now, {},
                  [done = std::move(done), at = stored_](auto) mutable { done(at); });
  }
  void store_held() {
    if (!held_) return;
    inner_.commit(info().generation, held_->now, std::move(held_->group), [](auto) {});
    held_.reset();
  }

  struct Held {
    TimeMs now;
    std::vector<Append> group;
  };
  std::optional<Held> held_;
  std::uint64_t stored_ = 0;
};

}  // namespace

std::unique_ptr<Subject> forgetful() { return std::make_unique<Forgetful>(); }
std::unique_ptr<Subject> repeating() { return std::make_unique<Repeating>(); }
std::unique_ptr<Subject> hasty() { return std::make_unique<Hasty>(); }

}  // namespace parley::contract
