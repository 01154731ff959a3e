#pragma once
#include <memory>

#include "base/result.h"

namespace parley::test {

/// Stores over a database that was just opened, whichever kind it is; or why it could not be.
template <class Stores, class Database>
Result<std::unique_ptr<Stores>> over(Result<std::unique_ptr<Database>> opened) {
  if (!opened) return std::unexpected(std::move(opened).error());
  return std::make_unique<Stores>(std::move(*opened));
}

}  // namespace parley::test
