#pragma once
#include <soci/soci.h>

#include "adapters/shared/mysql/settings.h"
#include "base/result.h"

namespace parley::mysql {

/// Whether a server answers, on a connection of its own, which stays open. One thread at a time.
class Reach {
 public:
  explicit Reach(Settings settings);

  /// Blocks, for 5 s at most where the server hangs. `unavailable`, with the server's or the
  /// system's words.
  Result<void> ask();

 private:
  Settings settings_;
  soci::session session_;
  bool open_ = false;
};

}  // namespace parley::mysql
