#pragma once
#include <span>

#include "ports/accounts.h"

namespace parley::test {

/// An adapter of the three account ports, as the contract sees it.
class AccountsUnderTest {
 public:
  virtual ~AccountsUnderTest() = default;
  virtual AccountStore& accounts() = 0;
  virtual DeviceStore& devices() = 0;
  virtual SecretStore& secrets() = 0;
  /// Ends the process that holds the stores and starts it again, as far as the adapter has such a
  /// thing. References from before are invalid.
  virtual void reopen() {}
};

/// One promise of ports/accounts.h; `holds` reports GoogleTest failures where it does not. Each is
/// given fresh, empty stores.
struct Promise {
  const char* name;
  void (*holds)(AccountsUnderTest& stores);
};
std::span<const Promise> account_promises();

Account account(std::uint64_t id, std::string name);
AccountDevice device(std::uint64_t id, std::uint64_t user, std::string hash);
/// One of user 7.
RevokedDevice gone(std::uint64_t id, std::int64_t tokens_end, std::int64_t revoked = 5);

}  // namespace parley::test
