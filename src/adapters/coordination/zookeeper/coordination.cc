#include "adapters/coordination/zookeeper/coordination.h"

#include "adapters/coordination/zookeeper/membership.h"
#include "adapters/coordination/zookeeper/slot_table.h"

namespace parley::coordination {
namespace {

class Connected final : public ZookeeperCoordination {
 public:
  explicit Connected(const ZookeeperSettings& settings)
      : session_({settings.addresses,
                  settings.prefix,
                  settings.process,
                  settings.session_timeout,
                  {settings.lease},
                  {"/sessions", "/members", "/shards", "/node_numbers", "/clock"}},
                 [this](const std::string& path) { watches_.touch(path); }),
        membership_(session_, watches_),
        shards_(session_, watches_),
        node_numbers_(session_) {
    session_.listen([this](SessionEvent event) {
      if (event != SessionEvent::opened) return;
      membership_.session_opened();
      watches_.touch_all();  // watches end with the session that set them
    });
    watches_.start();
    session_.start();
  }
  ~Connected() override {
    watches_.stop();
    session_.stop();
  }

  Membership& membership() override { return membership_; }
  ShardLeases& shards() override { return shards_; }
  NodeNumbers& node_numbers() override { return node_numbers_; }
  void listen(Listener listener) override { session_.listen(std::move(listener)); }
  Result<TimeMs> now() override {
    std::int64_t wall_ms = 0;
    PARLEY_TRY(touched, session_.run("asking for its time", [&](const Session::Present& now) {
      return now.handle->touch(session_.path("/clock"), wall_ms);
    }));
    if (touched != Zk::ok) return std::unexpected(zk_error(touched, "asking for its time"));
    return TimeMs(wall_ms);
  }

  Result<void> wait_open(std::chrono::milliseconds limit) const {
    if (session_.wait_open(limit)) return {};
    PARLEY_TRY_VOID(session_.present());
    return {};
  }

 private:
  Watches watches_;
  Session session_;
  ZookeeperMembership membership_;
  ZookeeperShardLeases shards_;
  ZookeeperNodeNumbers node_numbers_;
};

}  // namespace

Result<std::unique_ptr<ZookeeperCoordination>> ZookeeperCoordination::open(
    ZookeeperSettings settings) {
  if (!settings.prefix.starts_with('/') || settings.prefix.ends_with('/'))
    return fail(
        Code::invalid_argument,
        fmt::format("the prefix \"{}\" must begin, and not end, with a slash", settings.prefix));
  if (settings.process.empty() || settings.process.find_first_of(" \n") != std::string::npos)
    return fail(Code::invalid_argument,
                fmt::format("\"{}\" cannot be the id of a process", settings.process));
  auto made = std::make_unique<Connected>(settings);
  if (!settings.keep_trying) PARLEY_TRY_VOID(made->wait_open(settings.connect_timeout));
  return made;
}

}  // namespace parley::coordination
