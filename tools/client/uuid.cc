#include "client/uuid.h"

#include <chrono>
#include <cstdlib>
#include <fmt/format.h>
#include <sys/random.h>

namespace parley::client {

std::string uuid_v7(std::uint64_t unix_ms, std::uint64_t random_high, std::uint64_t random_low) {
  const std::uint64_t variant_and_rest =
      (random_low & 0x3fff'ffff'ffff'ffff) | 0x8000'0000'0000'0000;
  return fmt::format("{:08x}-{:04x}-7{:03x}-{:04x}-{:012x}", (unix_ms >> 16) & 0xffff'ffff,
                     unix_ms & 0xffff, random_high & 0xfff, variant_and_rest >> 48,
                     variant_and_rest & 0xffff'ffff'ffff);
}

std::string new_uuid_v7() {
  using namespace std::chrono;
  std::uint64_t random[2];
  // Up to 256 bytes are never cut short; without them no key is unique, so there is nothing to go
  // on with.
  if (getrandom(random, sizeof random, 0) != sizeof random) std::abort();
  const auto ms = duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
  return uuid_v7(static_cast<std::uint64_t>(ms), random[0], random[1]);
}

}  // namespace parley::client
