#include "services/user/known_users.h"

#include <bit>
#include <cstdlib>
#include <new>

namespace parley::user {
namespace {

// calloc's pages are the kernel's zeros until one is written: an idle table costs nothing.
std::atomic<std::uint64_t>* allocate(std::size_t slots) {
  static_assert(sizeof(std::atomic<std::uint64_t>) == sizeof(std::uint64_t));
  void* zeros = std::calloc(slots, sizeof(std::uint64_t));
  if (zeros == nullptr) throw std::bad_alloc();
  return static_cast<std::atomic<std::uint64_t>*>(zeros);
}

}  // namespace

KnownUsers::KnownUsers(std::size_t slots)
    : mask_(std::bit_ceil(slots) - 1), slots_(allocate(mask_ + 1)) {}

void KnownUsers::Free::operator()(std::atomic<std::uint64_t>* slots) const { std::free(slots); }

}  // namespace parley::user
