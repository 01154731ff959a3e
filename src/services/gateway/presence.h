#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <mutex>
#include <vector>

#include "api/session.h"

namespace parley::gateway {

/// Who is on this gateway, across its loops: which loops hold sessions of a user, and how many
/// connections a device has. Tells the session service when a user's first session came or the last
/// one went, in the order in which that happened. Any thread.
class LocalPresence {
 public:
  static constexpr std::size_t kMaxLoops = 64;

  LocalPresence(SessionApi& sessions, GatewayId gateway, std::size_t loops)
      : sessions_(sessions), gateway_(gateway), one_loop_(loops == 1) {}

  /// Where there is one loop, its own table knows who is here and with how many connections:
  /// nothing is kept a second time, and only `came`, `went` and `flush` are for use.
  bool one_loop() const { return one_loop_; }

  /// Counts a connection of the device; false if it has `max` already.
  bool connect(DeviceId device, std::size_t max);
  void disconnect(DeviceId device);

  /// The user's first session on that loop came, or the last one went.
  void came(std::size_t loop, UserId user);
  void went(std::size_t loop, UserId user);
  /// Tells the session service what changed since the last call.
  void flush();
  /// Tells it of everybody who is here, since it forgot. `users`: where there is one loop, those of
  /// its table.
  void say_again(const std::vector<UserId>& users);

  /// One bit per loop that holds a session of the user.
  using LoopSet = std::uint64_t;
  std::vector<LoopSet> loops_of(const std::vector<UserId>& users) const;

 private:
  SessionApi& sessions_;
  const GatewayId gateway_;
  const bool one_loop_;
  mutable std::mutex mutex_;
  boost::unordered_flat_map<UserId, LoopSet, std::hash<UserId>> loops_;
  boost::unordered_flat_map<DeviceId, std::uint32_t, std::hash<DeviceId>> connections_;
  std::vector<Presence> changes_;
};

}  // namespace parley::gateway
