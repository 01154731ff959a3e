#include "adapters/coordination/zookeeper/handle.h"

#include <condition_variable>
#include <optional>
#include <zookeeper/zookeeper.h>

#include "base/log.h"

namespace parley::coordination {
namespace {

Zk result_of(int rc) {
  switch (rc) {
    case ZOK:
      return Zk::ok;
    case ZNONODE:
      return Zk::no_node;
    case ZNODEEXISTS:
      return Zk::exists;
    case ZBADVERSION:
      return Zk::bad_version;
    case ZCONNECTIONLOSS:
    case ZOPERATIONTIMEOUT:
      return Zk::lost;
    case ZSESSIONEXPIRED:
    case ZSESSIONMOVED:
    case ZINVALIDSTATE:
    case ZCLOSING:
      return Zk::expired;
    default:
      log::warn("zookeeper", "event=unexpected result={} text={}", rc, zerror(rc));
      return Zk::other;
  }
}

// The library's own lines say when connections come and go: of interest only to who looks for it.
void library_log(const char* message) { log::debug("zookeeper", "library: {}", message); }

}  // namespace

Result<std::shared_ptr<Handle>> Handle::open(const std::string& addresses,
                                             std::chrono::milliseconds session_timeout,
                                             Events events) {
  zoo_set_debug_level(ZOO_LOG_LEVEL_WARN);
  const std::shared_ptr<Handle> handle(new Handle(std::move(events), session_timeout));
  handle->handle_ = zookeeper_init2(addresses.c_str(), &Handle::watcher,
                                    static_cast<int>(session_timeout.count()), nullptr,
                                    handle.get(), 0, &library_log);
  if (!handle->handle_)
    return fail(Code::unavailable, fmt::format("cannot make a connection to ZooKeeper at {}: {}",
                                               addresses, std::generic_category().message(errno)));
  return handle;
}

Handle::~Handle() {
  if (handle_) zookeeper_close(handle_);
}

void Handle::watcher(_zhandle* /*handle*/, int type, int state, const char* path, void* self) {
  const auto& events = static_cast<Handle*>(self)->events_;
  if (type != ZOO_SESSION_EVENT) {
    if (type != ZOO_NOTWATCHING_EVENT) events.changed(path);
  } else if (state == ZOO_CONNECTED_STATE) {
    events.connected();
  } else if (state == ZOO_EXPIRED_SESSION_STATE || state == ZOO_AUTH_FAILED_STATE) {
    events.expired();
  }
}

std::int64_t Handle::session() const { return zoo_client_id(handle_)->client_id; }

struct Handle::Call {
  std::mutex mutex;
  std::condition_variable answered;
  std::optional<int> rc;
  Value value;
  std::vector<std::string> names;
  std::int64_t modified_ms = 0;

  static Call& of(const void* data) { return *static_cast<Call*>(const_cast<void*>(data)); }
  void answer(int with) {
    const std::lock_guard lock(mutex);
    rc = with;
    answered.notify_one();
  }
};

/// The library's own blocking calls wait for ever where a session expires as they begin.
template <class Start>
std::pair<Zk, std::shared_ptr<Handle::Call>> Handle::ask(Start start) {
  auto call = std::make_shared<Call>();
  {
    const std::lock_guard lock(mutex_);
    calls_.insert(call);
  }
  int rc = start(call.get());
  bool over = rc != ZOK;  // not taken: there will be no answer
  if (!over) {
    std::unique_lock lock(call->mutex);
    over = call->answered.wait_for(lock, patience_, [&] { return call->rc.has_value(); });
    rc = call->rc.value_or(ZOPERATIONTIMEOUT);
  }
  // One that is late may still be answered, until the library has closed.
  const std::lock_guard lock(mutex_);
  if (over) calls_.erase(call);
  return {result_of(rc), std::move(call)};
}

namespace {

constexpr auto kStatAnswered = [](int rc, const Stat* stat, auto& call) {
  if (rc == ZOK) call.modified_ms = stat->mtime;
  call.answer(rc);
};

}  // namespace

Zk Handle::create(const std::string& path, std::string_view data, bool ephemeral) {
  return ask([&](Call* call) {
           return zoo_acreate(
               handle_, path.c_str(), data.data(), static_cast<int>(data.size()),
               &ZOO_OPEN_ACL_UNSAFE, ephemeral ? ZOO_EPHEMERAL : 0,
               [](int rc, const char*, const void* of) { Call::of(of).answer(rc); }, call);
         })
      .first;
}

Zk Handle::get(const std::string& path, Value& out, bool watch) {
  const auto [result, call] = ask([&](Call* asked) {
    return zoo_aget(
        handle_, path.c_str(), watch ? 1 : 0,
        [](int rc, const char* data, int size, const Stat* stat, const void* of) {
          auto& answered = Call::of(of);
          if (rc == ZOK)  // -1: no data at all
            answered.value = {
                std::string(data ? data : "", static_cast<std::size_t>(std::max(size, 0))),
                stat->version, stat->ephemeralOwner};
          answered.answer(rc);
        },
        asked);
  });
  if (result == Zk::ok) out = std::move(call->value);
  return result;
}

Zk Handle::set(const std::string& path, std::string_view data, std::int32_t version) {
  return ask([&](Call* call) {
           return zoo_aset(
               handle_, path.c_str(), data.data(), static_cast<int>(data.size()), version,
               [](int rc, const Stat* stat, const void* of) {
                 kStatAnswered(rc, stat, Call::of(of));
               },
               call);
         })
      .first;
}

Zk Handle::remove(const std::string& path) {
  return ask([&](Call* call) {
           return zoo_adelete(
               handle_, path.c_str(), -1, [](int rc, const void* of) { Call::of(of).answer(rc); },
               call);
         })
      .first;
}

Zk Handle::children(const std::string& path, std::vector<std::string>& out, bool watch) {
  const auto [result, call] = ask([&](Call* asked) {
    return zoo_aget_children(
        handle_, path.c_str(), watch ? 1 : 0,
        [](int rc, const String_vector* names, const void* of) {
          auto& answered = Call::of(of);
          if (rc == ZOK) answered.names.assign(names->data, names->data + names->count);
          answered.answer(rc);
        },
        asked);
  });
  if (result == Zk::ok) out = std::move(call->names);
  return result;
}

Zk Handle::touch(const std::string& path, std::int64_t& wall_ms) {
  const auto [result, call] = ask([&](Call* asked) {
    return zoo_aset(
        handle_, path.c_str(), "", 0, -1,
        [](int rc, const Stat* stat, const void* of) { kStatAnswered(rc, stat, Call::of(of)); },
        asked);
  });
  if (result == Zk::ok) wall_ms = call->modified_ms;
  return result;
}

void Handle::renew(const std::string& path, std::string_view data, Renewed done) {
  renewed_ = std::move(done);
  const auto completed = [](int rc, const Stat*, const void* self) {
    // Taken out first: what it calls may lead to the next renewal at once.
    auto* handle = static_cast<Handle*>(const_cast<void*>(self));
    const auto call = std::exchange(handle->renewed_, {});
    call(result_of(rc));
  };
  const int rc = zoo_aset(handle_, path.c_str(), data.data(), static_cast<int>(data.size()), -1,
                          completed, this);
  if (rc != ZOK) completed(rc, nullptr, this);
}

Error zk_error(Zk result, std::string_view what) {
  switch (result) {
    case Zk::lost:
      return {Code::unavailable, fmt::format("ZooKeeper did not answer: {}", what)};
    case Zk::expired:
      return {Code::unavailable, fmt::format("the session with ZooKeeper is over: {}", what)};
    default:
      return {Code::internal,
              fmt::format("ZooKeeper refused: {} ({})", what, std::to_underlying(result))};
  }
}

}  // namespace parley::coordination
