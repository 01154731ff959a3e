#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/result.h"

namespace parley::coordination {

/// A thread that reads again what ZooKeeper says has changed. What fails is tried again until it
/// succeeds; changes that come meanwhile are one.
class Watches {
 public:
  /// What may have changed since it was last read with success.
  struct Changes {
    bool all = true;              // as at first, and in each new session
    std::set<std::string> paths;  // else: those whose watches fired

    bool any() const { return all || !paths.empty(); }
  };
  /// Reads what it is for, sets its watch again, and tells whom it concerns.
  using Reread = std::function<Result<void>(const Changes& changes)>;

  ~Watches() { stop(); }

  void start();
  void stop();
  /// `reread` runs soon, and after every change at or below any of `paths`. Any thread.
  void add(std::vector<std::string> paths, Reread reread);
  void touch(std::string_view path);
  void touch_all();

 private:
  struct Item {
    std::vector<std::string> paths;
    Reread reread;
    Changes due = {};
  };

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::shared_ptr<Item>> items_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace parley::coordination
