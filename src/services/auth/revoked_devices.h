#pragma once
#include <array>
#include <mutex>
#include <unordered_map>

#include "base/ids.h"

namespace parley::auth {

/// The devices whose access tokens are refused, each until its tokens have ended. Any thread; a
/// look holds one of many locks for the time of one hash look-up.
class RevokedDevices {
 public:
  /// Whether it was not among them.
  bool add(DeviceId device, TimeMs until, TimeMs now);
  bool contains(DeviceId device) const;
  std::size_t size() const;

 private:
  struct Shard {
    mutable std::mutex mutex;
    std::unordered_map<DeviceId, TimeMs> until;
    std::size_t sweep_at = 64;  // size at which those that ended are dropped
  };
  static std::size_t shard_of(DeviceId device) { return std::hash<DeviceId>()(device) >> 32 & 15; }

  std::array<Shard, 16> shards_;
};

}  // namespace parley::auth
