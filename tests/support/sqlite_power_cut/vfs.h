#pragma once
#include <cstdint>
#include <memory>

namespace parley::test {

/// While it lives, SQLite's default file system. One at a time. Any thread.
class PowerCutVfs {
 public:
  PowerCutVfs();
  ~PowerCutVfs();
  PowerCutVfs(const PowerCutVfs&) = delete;

  /// The power fails at the `operations`-th write, truncation or sync from now.
  void cut_after(std::uint64_t operations);
  bool is_cut() const;
  /// While full, every write fails as on a disk without space.
  void fill_disk(bool full);
  /// From now on every sync fails.
  void fail_syncs();
  /// Cuts now, if it was not cut yet, and leaves on disk what was synced, with as much of the rest
  /// as the seed chooses (nothing, a beginning, or single sectors). Every connection is closed.
  void power_on(std::uint64_t seed);

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace parley::test
