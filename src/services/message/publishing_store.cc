#include "services/message/publishing_store.h"

#include <algorithm>
#include <condition_variable>
#include <map>
#include <mutex>
#include <set>

#include "base/check.h"
#include "base/log.h"
#include "base/thread.h"
#include "domain/trace.h"

namespace parley::message {
namespace {
using Time = std::chrono::steady_clock;
constexpr std::chrono::seconds kLogEvery{1};  // a stream that is away fails every publication
}  // namespace

/// What one commit publishes, in rounds: everything from the first that is not published is handed
/// to the publisher; when all of that is answered, the next round begins where the first failed.
struct PublishingStore::Publication {
  std::vector<EntryPtr> entries;
  Done done;
  std::uint64_t position = 0;  // what `done` is told
  std::size_t published = 0;   // of the entries, the first so many
  std::chrono::milliseconds pause{0};
  // Under the mutex.
  std::size_t open = 0;  // not yet answered of this round, and one for who still hands over
  std::optional<std::size_t> failed = {};  // the first that did
};

struct PublishingStore::Shared {
  std::mutex mutex;
  std::condition_variable changed;
  std::size_t committing = 0;            // with the inner store
  std::set<PublicationPtr> unpublished;  // of groups, `done` has not run
  std::vector<PublicationPtr> answered;  // a round of it is over
  Time::time_point give_up_at = Time::time_point::max();
  bool ending = false;
  Time::time_point logged{};
  std::uint64_t unlogged = 0;

  void answer(const PublicationPtr& publication, std::size_t entry, const Error* error) {
    if (error) log_failure(*publication->entries[entry], *error);
    const std::lock_guard lock(mutex);
    if (error) publication->failed = std::min(publication->failed.value_or(entry), entry);
    close_one(publication);
  }
  void close_one(const PublicationPtr& publication) {
    if (--publication->open != 0) return;
    answered.push_back(publication);
    changed.notify_all();
  }
  void log_failure(const Entry& entry, const Error& error) {
    std::uint64_t others = 0;
    {
      const std::lock_guard lock(mutex);
      if (Time::now() - logged < kLogEvery) {
        ++unlogged;
        return;
      }
      logged = Time::now();
      others = std::exchange(unlogged, 0);
    }
    const auto& conversation = entry.conversation;
    log::error("message",
               "event=not_published conversation={} again={} others={} trace={} reason={}",
               conversation.text(), !conversation.is_direct(), others,
               text_of(trace_of(entry.sender, entry.client_message_id)), error.message);
  }
  bool is_over() const { return ending && committing == 0 && unpublished.empty(); }
};

PublishingStore::PublishingStore(ConversationStore& inner, StreamPublisher& publisher,
                                 Encode encode, PublishingSettings settings)
    : inner_(inner),
      publisher_(publisher),
      encode_(std::move(encode)),
      settings_(settings),
      shared_(std::make_shared<Shared>()),
      thread_([this] { run(); }) {
  PARLEY_CHECK(!inner.info().one_log, "one log has a feed of its own");
}

PublishingStore::~PublishingStore() {
  close(std::chrono::milliseconds(0));
  {
    const std::lock_guard lock(shared_->mutex);
    shared_->ending = true;
  }
  shared_->changed.notify_all();
  thread_.join();
}

void PublishingStore::close(std::chrono::milliseconds patience) {
  const std::lock_guard lock(shared_->mutex);
  shared_->give_up_at = std::min(shared_->give_up_at, Time::now() + patience);
  shared_->changed.notify_all();
}

std::size_t PublishingStore::unpublished() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->unpublished.size();
}

void PublishingStore::commit(Generation generation, TimeMs now, std::vector<Append> group,
                             Done done) {
  PARLEY_CHECK(group.size() == 1, "a commit holds one conversation where each has its own log");
  auto publication = std::make_shared<Publication>(group.front().entries, std::move(done));
  {
    const std::lock_guard lock(shared_->mutex);
    ++shared_->committing;
  }
  inner_.commit(generation, now, std::move(group),
                [this, shared = shared_,
                 publication = std::move(publication)](Result<std::uint64_t> outcome) {
                  stored(publication, std::move(outcome));
                  // Only this lets the store end: `this` may be gone from here on.
                  const std::lock_guard lock(shared->mutex);
                  --shared->committing;
                  shared->changed.notify_all();
                });
}

void PublishingStore::stored(const PublicationPtr& publication, Result<std::uint64_t> outcome) {
  const auto& entries = publication->entries;
  if (outcome && !entries.empty() && !entries.front()->conversation.is_direct()) {
    publication->position = *outcome;
    publication->pause = settings_.first_pause;
    {
      const std::lock_guard lock(shared_->mutex);
      shared_->unpublished.insert(publication);
    }
    return publish_group(publication);
  }
  if (outcome) publish_direct(*publication);
  publication->done(std::move(outcome));
}

void PublishingStore::publish_direct(const Publication& publication) {
  for (const auto& entry : publication.entries) {
    const auto taken = publisher_.publish(entry->conversation.text(), encode_(*entry),
                                          [shared = shared_, entry](Result<StreamPlace> place) {
                                            if (!place) shared->log_failure(*entry, place.error());
                                          });
    if (!taken) shared_->log_failure(*entry, taken.error());
  }
}

void PublishingStore::publish_group(const PublicationPtr& publication) {
  {
    const std::lock_guard lock(shared_->mutex);
    publication->failed.reset();
    publication->open = 1;
  }
  for (auto i = publication->published; i < publication->entries.size(); ++i) {
    const auto& entry = *publication->entries[i];
    {
      const std::lock_guard lock(shared_->mutex);
      ++publication->open;
    }
    const auto taken =
        publisher_.publish(entry.conversation.text(), encode_(entry),
                           [shared = shared_, publication, i](Result<StreamPlace> place) {
                             shared->answer(publication, i, place ? nullptr : &place.error());
                           });
    if (taken) continue;
    shared_->answer(publication, i, &taken.error());
    break;  // those after it must not overtake it
  }
  const std::lock_guard lock(shared_->mutex);
  shared_->close_one(publication);
}

void PublishingStore::run() {
  name_thread("feed-publish");
  std::multimap<Time::time_point, PublicationPtr> later;
  std::unique_lock lock(shared_->mutex);
  while (!shared_->is_over()) {
    const auto now = Time::now();
    const bool gives_up = now >= shared_->give_up_at;
    const auto answered = std::exchange(shared_->answered, {});
    std::vector<PublicationPtr> due;
    for (const auto& publication : answered) {
      if (!shared_->unpublished.contains(publication)) continue;  // was given up
      const auto published = publication->failed.value_or(publication->entries.size());
      if (published != publication->published) publication->pause = settings_.first_pause;
      publication->published = published;
      if (!publication->failed) {
        due.push_back(publication);
        continue;
      }
      later.emplace(now + publication->pause, publication);
      publication->pause = std::min(publication->pause * 2, settings_.longest_pause);
    }
    for (; !later.empty() && later.begin()->first <= now; later.erase(later.begin()))
      due.push_back(later.begin()->second);
    std::vector<PublicationPtr> given_up;
    if (gives_up) {
      later.clear();
      given_up.assign(shared_->unpublished.begin(), shared_->unpublished.end());
    }
    if (due.empty() && given_up.empty()) {
      auto until = gives_up ? Time::time_point::max() : shared_->give_up_at;
      if (!later.empty()) until = std::min(until, later.begin()->first);
      shared_->changed.wait_until(lock, until);
      continue;
    }
    lock.unlock();
    for (const auto& publication : due)
      if (publication->published == publication->entries.size())
        finish(publication, publication->position);
      else if (!gives_up)
        publish_group(publication);
    for (const auto& publication : given_up)
      finish(publication, fail_for(Code::unavailable,
                                   "stored, but not on the feed: the server is stopping", 1'000));
    lock.lock();
  }
}

void PublishingStore::finish(const PublicationPtr& publication, Result<std::uint64_t> outcome) {
  {
    const std::lock_guard lock(shared_->mutex);
    if (shared_->unpublished.erase(publication) == 0) return;
  }
  std::exchange(publication->done, nullptr)(std::move(outcome));
}

}  // namespace parley::message
