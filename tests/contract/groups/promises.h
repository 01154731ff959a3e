#pragma once
#include <span>

#include "ports/groups.h"

namespace parley::test {

/// An adapter of GroupStore, as the contract sees it.
class GroupsUnderTest {
 public:
  virtual ~GroupsUnderTest() = default;
  virtual GroupStore& groups() = 0;
  /// Ends the process that holds the store and starts it again, as far as the adapter has such a
  /// thing. References from before are invalid.
  virtual void reopen() {}
};

/// One promise of ports/groups.h; `holds` reports GoogleTest failures where it does not. Each is
/// given a fresh, empty store.
struct GroupPromise {
  const char* name;
  void (*holds)(GroupsUnderTest& store);
};
std::span<const GroupPromise> group_promises();

}  // namespace parley::test
