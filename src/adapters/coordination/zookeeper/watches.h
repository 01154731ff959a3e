#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
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
  /// Reads what it is for, sets its watch again, and tells whom it concerns.
  using Reread = std::function<Result<void>()>;

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
    bool due = true;
  };

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<std::shared_ptr<Item>> items_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace parley::coordination
