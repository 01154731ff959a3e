#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <mutex>
#include <optional>

#include "api/message.h"

namespace parley::gateway {

/// Which loop holds an event stream: what its client asks comes by other connections, on any loop.
/// Any thread; a lock that only the fallback takes, once a request.
class StreamDirectory {
 public:
  void add(Origin stream, std::size_t loop) {
    std::lock_guard lock(mutex_);
    loops_[stream.value] = loop;
  }
  void remove(Origin stream) {
    std::lock_guard lock(mutex_);
    loops_.erase(stream.value);
  }
  std::optional<std::size_t> loop_of(Origin stream) const {
    std::lock_guard lock(mutex_);
    const auto at = loops_.find(stream.value);
    return at == loops_.end() ? std::nullopt : std::optional(at->second);
  }

 private:
  mutable std::mutex mutex_;
  boost::unordered_flat_map<std::uint64_t, std::size_t> loops_;
};

}  // namespace parley::gateway
