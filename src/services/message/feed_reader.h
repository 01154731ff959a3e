#pragma once
#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <list>
#include <mutex>

#include "api/feed.h"
#include "base/loops.h"
#include "ports/conversation_store.h"

namespace parley::message {

/// The feed of group entries for its consumers, who wait here until there is something new. Any
/// loop.
class FeedReader final : public FeedApi {
 public:
  /// `stored_position`: of what is stored, the last that is known; raised before `wake`.
  FeedReader(Loops& loops, ConversationStore& store, Feed& feed,
             const std::atomic<std::uint64_t>& stored_position)
      : loops_(loops), store_(store), feed_(feed), stored_position_(stored_position) {}

  Awaitable<Result<std::uint64_t>> position(std::string consumer) override;
  Awaitable<Result<FeedItems>> read(std::uint64_t after, std::size_t limit,
                                    std::chrono::milliseconds patience) override;
  void passed(std::string consumer, std::uint64_t position) override {
    feed_.set_position(consumer, position);
  }

  /// Group entries were stored. Any thread.
  void wake();
  /// Readers that wait get their empty page; later ones `unavailable`. Any thread.
  void close();

 private:
  struct Waiter {
    boost::asio::steady_timer& timer;
    std::size_t loop;
  };
  Result<FeedItems> look(std::uint64_t after, std::size_t limit) const;
  Awaitable<void> wait(std::uint64_t seen, std::chrono::steady_clock::time_point until);
  void wake_all();

  Loops& loops_;
  ConversationStore& store_;
  Feed& feed_;
  const std::atomic<std::uint64_t>& stored_position_;
  std::mutex mutex_;
  std::list<Waiter> waiters_;
  std::atomic<std::uint64_t> stored_{0};  // how often something was
  std::atomic<bool> closed_{false};
};

}  // namespace parley::message
