#include "adapters/shared/mysql/reach.h"

#include <utility>

#include "adapters/shared/mysql/connection.h"
#include "adapters/shared/mysql/failure.h"

namespace parley::mysql {

Reach::Reach(Settings settings) : settings_(std::move(settings)) {
  settings_.connect_timeout = std::chrono::seconds(2);
  settings_.answer_timeout = std::chrono::seconds(3);
}

Result<void> Reach::ask() {
  for (;;) {
    const bool was_open = open_;
    try {
      if (!was_open) connect(session_, settings_, Purpose::store);
      open_ = true;
      // Of a table: a node without its quorum still answers what needs none.
      int rows = 0;
      session_ << "SELECT COUNT(*) FROM schema_versions", soci::into(rows);
      return {};
    } catch (const std::exception& e) {
      session_.close();
      open_ = false;
      // The server may have been started again since.
      if (!was_open) return std::unexpected(error_at_start(settings_, e));
    }
  }
}

}  // namespace parley::mysql
