#pragma once
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

// What zookeeper.h declares; it is included by handle.cc alone.
struct _zhandle;
struct Stat;

namespace parley::coordination {

/// What an operation came to, of what matters to its callers.
enum class Zk : std::uint8_t {
  ok,
  no_node,
  exists,
  bad_version,
  lost,     // the connection broke: it may or may not have taken effect
  expired,  // the session is over
  other,    // `Handle::reason` has the library's words
};

/// One handle of ZooKeeper's C library, so one session. Operations block for up to about the
/// session's time-out; any thread but the library's own. Closed (the session ends) by the
/// destructor, which may take 3 s while ZooKeeper does not answer.
class Handle {
 public:
  struct Events {  // on the library's thread: must return at once
    std::function<void()> connected;
    std::function<void()> expired;
    std::function<void(std::string path)> changed;  // a watch fired
  };
  struct Value {
    std::string data;
    std::int32_t version = 0;
    std::int64_t owner = 0;  // the session, of an ephemeral node
  };
  using Renewed = std::function<void(Zk result)>;  // on the library's thread

  /// Begins to connect to `addresses` (`host:port,...`); `unavailable`: they cannot be resolved.
  static Result<std::shared_ptr<Handle>> open(const std::string& addresses,
                                              std::chrono::milliseconds session_timeout,
                                              Events events);
  ~Handle();
  Handle(const Handle&) = delete;

  std::int64_t session() const;  // once connected
  Zk create(const std::string& path, std::string_view data, bool ephemeral);
  Zk get(const std::string& path, Value& out, bool watch);
  Zk set(const std::string& path, std::string_view data, std::int32_t version);  // -1: any
  Zk remove(const std::string& path);
  Zk children(const std::string& path, std::vector<std::string>& out, bool watch);
  /// The server's wall clock, from a write of its own to `path`.
  Zk touch(const std::string& path, std::int64_t& wall_ms);
  /// Writes `data` to `path` and calls back once; not at all where the handle is closed before the
  /// answer. The next one only after that.
  void renew(const std::string& path, std::string_view data, Renewed done);

 private:
  struct Call;  // under way

  Handle(Events events, std::chrono::milliseconds patience)
      : events_(std::move(events)), patience_(patience) {}
  /// `start(call)` gives it to the library; what it came to, `lost` where there was no answer.
  template <class Start>
  std::pair<Zk, std::shared_ptr<Call>> ask(Start start);
  static void watcher(_zhandle* handle, int type, int state, const char* path, void* self);

  const Events events_;
  const std::chrono::milliseconds patience_;
  std::mutex mutex_;
  std::set<std::shared_ptr<Call>> calls_;  // that the library may still answer
  _zhandle* handle_ = nullptr;
  Renewed renewed_;  // of the renewal under way: the library may forget it when it closes
};

Error zk_error(Zk result, std::string_view what);

}  // namespace parley::coordination
