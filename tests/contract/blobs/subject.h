#pragma once
#include <span>

#include "ports/blobs.h"

namespace parley::test {

class BlobsUnderTest {
 public:
  virtual ~BlobsUnderTest() = default;
  virtual BlobStore& store() = 0;
};

/// One promise of ports/blobs.h; `holds` reports GoogleTest failures where it does not. Each is
/// given an empty store.
struct BlobPromise {
  const char* name;
  void (*holds)(BlobStore& store);
};
std::span<const BlobPromise> blob_promises();

/// Bytes that no compression or offset mistakes for each other.
std::string bytes(std::size_t size, unsigned seed = 1);
BlobDeclared declared(std::string_view bytes, std::string type = "image/png");
/// Gives `bytes` in pieces of odd sizes.
BlobSource source(std::string_view bytes);
Result<std::string> get(BlobStore& store, const std::string& name,
                        std::optional<BlobRange> range = {});

}  // namespace parley::test
