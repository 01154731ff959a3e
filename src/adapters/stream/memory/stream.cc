#include "adapters/stream/memory/stream.h"

#include <algorithm>

namespace parley::stream {

Result<void> MemoryPublisher::publish(std::string_view key, std::string_view value, Done done) {
  const std::lock_guard in_order(answering_);
  StreamPlace place;
  {
    const std::lock_guard lock(stream_.mutex_);
    place.lane = Lane(
        static_cast<std::uint32_t>(std::hash<std::string_view>()(key) % stream_.lanes_.size()));
    auto& lane = stream_.lanes_[place.lane.value];
    place.offset = lane.size();
    lane.push_back({place, std::string(key), std::string(value)});
  }
  stream_.published_.notify_all();
  done(place);
  return {};
}

MemoryConsumer::MemoryConsumer(MemoryStream& stream, std::string group, StreamLanes lanes)
    : stream_(stream), group_(stream.groups_[std::move(group)]), listener_(std::move(lanes)) {
  const std::lock_guard lock(stream_.mutex_);
  group_.members.push_back(this);
}

MemoryConsumer::~MemoryConsumer() {
  std::vector<Lane> all;
  {
    const std::lock_guard lock(stream_.mutex_);
    std::erase(group_.members, this);
    for (const auto& [lane, own] : own_) all.push_back(lane);
  }
  give_up(all);
}

void MemoryConsumer::give_up(const std::vector<Lane>& lanes) {
  if (lanes.empty()) return;
  listener_.revoked(lanes, false);
  const std::lock_guard lock(stream_.mutex_);
  for (auto lane : lanes) {
    group_.committed[lane] = own_[lane].passed;
    group_.owners.erase(lane);
    own_.erase(lane);
  }
}

void MemoryConsumer::rebalance() {
  std::vector<Lane> revoked;
  std::vector<Lane> gained;
  {
    const std::lock_guard lock(stream_.mutex_);
    const auto at = std::ranges::find(group_.members, this) - group_.members.begin();
    for (std::uint32_t i = 0; i < stream_.lanes_.size(); ++i) {
      const Lane lane(i);
      const bool mine = i % group_.members.size() == static_cast<std::size_t>(at);
      if (!mine && own_.contains(lane)) revoked.push_back(lane);
      if (!mine || own_.contains(lane) || group_.owners.contains(lane)) continue;
      group_.owners[lane] = this;
      own_[lane] = {group_.committed[lane], group_.committed[lane]};
      gained.push_back(lane);
    }
  }
  give_up(revoked);
  if (!gained.empty()) listener_.gained(std::move(gained));
}

Result<std::vector<StreamRecord>> MemoryConsumer::read(std::size_t limit,
                                                       std::chrono::milliseconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    rebalance();
    std::vector<StreamRecord> out;
    std::unique_lock lock(stream_.mutex_);
    for (auto& [lane, own] : own_) {
      const auto& records = stream_.lanes_[lane.value];
      while (own.next < records.size() && out.size() < limit) out.push_back(records[own.next++]);
    }
    if (!out.empty() || std::chrono::steady_clock::now() >= end) return out;
    // A change in the group is looked for as often as a heartbeat would bring it.
    stream_.published_.wait_until(
        lock, std::min(end, std::chrono::steady_clock::now() + std::chrono::milliseconds(10)));
  }
}

void MemoryConsumer::passed(StreamPlace place) {
  const std::lock_guard lock(stream_.mutex_);
  const auto own = own_.find(place.lane);
  if (own != own_.end()) own->second.passed = std::max(own->second.passed, place.offset + 1);
}

Result<void> MemoryConsumer::commit() {
  const std::lock_guard lock(stream_.mutex_);
  for (const auto& [lane, own] : own_) group_.committed[lane] = own.passed;
  return {};
}

Result<void> MemoryConsumer::seek(StreamPlace place) {
  const std::lock_guard lock(stream_.mutex_);
  const auto own = own_.find(place.lane);
  if (own == own_.end()) return fail(Code::not_found, "this consumer does not have the lane");
  own->second = {place.offset, place.offset};
  return {};
}

std::vector<LaneLag> MemoryConsumer::lag() const {
  const std::lock_guard lock(stream_.mutex_);
  std::vector<LaneLag> out;
  for (const auto& [lane, own] : own_)
    out.push_back({lane, stream_.lanes_[lane.value].size() - own.passed});
  return out;
}

}  // namespace parley::stream
