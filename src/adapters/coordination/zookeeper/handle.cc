#include "adapters/coordination/zookeeper/handle.h"

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
  const std::shared_ptr<Handle> handle(new Handle(std::move(events)));
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

Zk Handle::create(const std::string& path, std::string_view data, bool ephemeral) {
  return result_of(zoo_create(handle_, path.c_str(), data.data(), static_cast<int>(data.size()),
                              &ZOO_OPEN_ACL_UNSAFE, ephemeral ? ZOO_EPHEMERAL : 0, nullptr, 0));
}

Zk Handle::get(const std::string& path, Value& out, bool watch) {
  Stat stat{};
  std::string buffer(64 * 1024, '\0');
  for (;;) {
    int size = static_cast<int>(buffer.size());
    const int rc = zoo_get(handle_, path.c_str(), watch ? 1 : 0, buffer.data(), &size, &stat);
    if (rc != ZOK) return result_of(rc);
    if (stat.dataLength > static_cast<int>(buffer.size())) {  // it was cut: once more
      buffer.resize(static_cast<std::size_t>(stat.dataLength));
      continue;
    }
    buffer.resize(static_cast<std::size_t>(std::max(size, 0)));  // -1: no data at all
    out = {std::move(buffer), stat.version, stat.ephemeralOwner};
    return Zk::ok;
  }
}

Zk Handle::set(const std::string& path, std::string_view data, std::int32_t version) {
  return result_of(
      zoo_set(handle_, path.c_str(), data.data(), static_cast<int>(data.size()), version));
}

Zk Handle::remove(const std::string& path) {
  return result_of(zoo_delete(handle_, path.c_str(), -1));
}

Zk Handle::children(const std::string& path, std::vector<std::string>& out, bool watch) {
  String_vector names{};
  const int rc = zoo_get_children(handle_, path.c_str(), watch ? 1 : 0, &names);
  if (rc != ZOK) return result_of(rc);
  out.assign(names.data, names.data + names.count);
  deallocate_String_vector(&names);
  return Zk::ok;
}

Zk Handle::touch(const std::string& path, std::int64_t& wall_ms) {
  Stat stat{};
  const int rc = zoo_set2(handle_, path.c_str(), "", 0, -1, &stat);
  if (rc == ZOK) wall_ms = stat.mtime;
  return result_of(rc);
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
