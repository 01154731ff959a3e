#include "adapters/coordination/zookeeper/watches.h"

#include <algorithm>

#include "base/log.h"
#include "base/thread.h"

namespace parley::coordination {
namespace {

constexpr std::chrono::milliseconds kPause{100};  // before what failed is tried again

bool at_or_below(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

}  // namespace

void Watches::start() {
  thread_ = std::thread([this] {
    name_thread("coord-watches");
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      const auto found =
          std::ranges::find_if(items_, [](const auto& item) { return item->due.any(); });
      if (found == items_.end()) {
        wake_.wait(lock);
        continue;
      }
      const auto item = *found;
      auto changes = std::exchange(item->due, {.all = false, .paths = {}});
      lock.unlock();
      const auto read = item->reread(changes);
      lock.lock();
      if (read) continue;
      log::debug("zookeeper", "event=reread_failed reason={}", read.error().message);
      item->due.all |= changes.all;
      item->due.paths.merge(changes.paths);
      // To the end, so that the others are not kept waiting by one that fails.
      std::ranges::rotate(items_, std::ranges::find(items_, item) + 1);
      wake_.wait_for(lock, kPause, [this] { return stopping_; });
    }
  });
}

void Watches::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void Watches::add(std::vector<std::string> paths, Reread reread) {
  const std::lock_guard lock(mutex_);
  items_.push_back(std::make_shared<Item>(std::move(paths), std::move(reread)));
  wake_.notify_all();
}

void Watches::touch(std::string_view path) {
  const std::lock_guard lock(mutex_);
  for (const auto& item : items_)
    if (std::ranges::any_of(item->paths,
                            [&](const std::string& folder) { return at_or_below(path, folder); }))
      item->due.paths.emplace(path);
  wake_.notify_all();
}

void Watches::touch_all() {
  const std::lock_guard lock(mutex_);
  for (const auto& item : items_) item->due.all = true;
  wake_.notify_all();
}

}  // namespace parley::coordination
