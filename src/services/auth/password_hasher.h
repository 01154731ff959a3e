#pragma once
#include <atomic>
#include <boost/asio/thread_pool.hpp>
#include <string>

#include "api/auth.h"

namespace parley::auth {

/// What one Argon2id hash costs.
struct PasswordCost {
  unsigned long long passes = 2;
  std::size_t memory_bytes = 19 * 1024 * 1024;
};

/// Argon2id (RFC 9106, by libsodium) on threads of its own, so that sign-ins cost neither the loops
/// nor the pool of the stores. Any thread. At most `limit` at once, running or waiting; more are
/// `busy` at once. It outlives what it started.
class PasswordHasher {
 public:
  PasswordHasher(PasswordCost cost, boost::asio::thread_pool& pool, std::size_t limit);

  Awaitable<Result<std::string>> hash(std::string password);
  /// An empty hash (there is no such account) takes the same time and is false.
  Awaitable<Result<bool>> verify(std::string password, std::string hash);

  /// How many hashes were computed.
  std::uint64_t computed() const { return computed_; }
  /// Running or waiting.
  std::size_t open() const { return taken_; }

 private:
  template <class F>
  auto on_pool(F work) -> Awaitable<std::invoke_result_t<F>>;

  const PasswordCost cost_;
  boost::asio::thread_pool& pool_;
  const std::size_t limit_;
  std::string nobody_;  // the hash of a password that nobody knows
  std::atomic<std::size_t> taken_{0};
  std::atomic<std::uint64_t> computed_{0};
};

/// The hash of a password, here and now (18 ms at the default cost).
Result<std::string> hash_password(const std::string& password, PasswordCost cost);

}  // namespace parley::auth
