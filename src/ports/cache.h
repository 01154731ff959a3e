#pragma once
#include <chrono>
#include <functional>
#include <optional>
#include <string>

#include "base/result.h"

namespace parley {

/// What was read from a slower truth, kept for a while for all processes that share the adapter's
/// memory. It may forget everything at any time, and nothing may depend on it but speed.
///
/// Promised: after `invalidate` has answered well, no `get` answers with what was read before. For
/// that, nothing can be filled in for `kReadAtMost` after it: a reader that a change overtook must
/// not bring the old value back. Who read for longer than that does not fill. Where `invalidate`
/// failed, a value may be as old as the adapter's lifetime of values.
///
/// Any thread; calls back once, on any thread, perhaps before it returns.
class Cache {
 public:
  static constexpr std::chrono::seconds kReadAtMost{5};
  using Got = std::move_only_function<void(std::optional<std::string>)>;
  using Done = std::move_only_function<void(Result<void>)>;

  virtual ~Cache() = default;
  /// Nothing: it is not there, or the cache cannot be asked.
  virtual void get(const std::string& key, Got got) = 0;
  /// What is there stays.
  virtual void fill(const std::string& key, std::string value) = 0;
  /// The truth has changed. Errors: those of the server.
  virtual void invalidate(const std::string& key, Done done) = 0;
};

}  // namespace parley
