// What a gateway says of itself in the list of all, whoever wrote it there: refused, or taken, and
// then what is written of it is read as the same.
#include <cstdint>
#include <cstdlib>

#include "services/discovery/listing.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley::discovery;
  const auto row = from_attributes({reinterpret_cast<const char*>(data), size});
  if (!row) return 0;
  if (row->at && !row->at->valid()) std::abort();
  const auto again = from_attributes(to_attributes(*row));
  if (!again || *again != *row) std::abort();
  std::mt19937_64 random(1);
  const Ranking ranking({*row});
  (void)ranking.best({.at = row->at, .zone = row->zone}, row->url, 3, random);
  return 0;
}
