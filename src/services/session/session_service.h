#pragma once
#include <memory>

#include "api/session.h"
#include "base/loops.h"
#include "ports/session_registry.h"

namespace parley::session {

/// A user's rows live with the loop that its id hashes to. Any loop may call; with one loop nothing
/// is posted.
class SessionService final : public SessionApi {
 public:
  /// One registry per loop.
  SessionService(Loops& loops, std::vector<std::unique_ptr<SessionRegistry>> registries);

  void update(GatewayId gateway, std::vector<Presence> changes) override;
  void locate(std::vector<UserId> users,
              std::move_only_function<void(std::vector<Location>)> found) override;

 private:
  std::size_t home(UserId user) const { return std::hash<UserId>()(user) % registries_.size(); }
  void find_here(std::size_t loop, const std::vector<UserId>& users,
                 std::vector<Location>& out) const;

  Loops& loops_;
  std::vector<std::unique_ptr<SessionRegistry>> registries_;
};

}  // namespace parley::session
