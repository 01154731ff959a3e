#pragma once
#include <map>
#include <optional>

#include "adapters/coordination/zookeeper/session.h"
#include "adapters/coordination/zookeeper/watches.h"

namespace parley::coordination {

/// `/members/KIND/ID`, ephemeral: the address, a line end, the attributes.
class ZookeeperMembership final : public Membership {
 public:
  ZookeeperMembership(const Session& session, Watches& watches);

  Result<void> join(const Member& member) override;
  Result<void> leave(std::string_view kind, std::string_view id) override;
  Result<std::vector<Member>> members(std::string_view kind) override;
  void watch(std::string_view kind, Changed changed) override;

  /// A new session has nobody listed: lists again whom this process had.
  void session_opened();

 private:
  std::string folder(std::string_view kind) const;
  Result<void> put(const Member& member);
  Result<void> put_all_again();
  /// What a watch knows: members by id, as last read, and what it has told.
  struct Known {
    std::map<std::string, Member> members;
    std::optional<std::vector<Member>> told;
  };
  Result<void> read_again(const std::string& kind, const Watches::Changes& changes, Known& known);
  Result<std::vector<std::string>> ids(std::string_view kind, bool watch);
  /// None: it has gone meanwhile, or was not made by this program.
  Result<std::optional<Member>> read(std::string_view kind, const std::string& id, bool watch);

  const Session& session_;
  Watches& watches_;
  std::mutex mutex_;  // held while `own_` and what is listed are made the same
  std::vector<Member> own_;
};

}  // namespace parley::coordination
