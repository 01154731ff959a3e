#pragma once
#include <functional>
#include <memory>
#include <string>

#include "ports/conversation_store.h"

namespace parley::contract {

/// One adapter under test, with an empty store.
class Subject {
 public:
  virtual ~Subject() = default;
  virtual ConversationStore& store() = 0;
  /// Null: there is no one log, and so no feed.
  virtual Feed* feed() = 0;
  /// With which the scene commits.
  virtual Generation generation() { return store().info().generation; }

  // Of durable adapters only. References from before are gone after either.
  /// Ends the store as a process that stops does, and opens it again.
  virtual void reopen() {}
  /// Forgets at once every byte that was not synced, and opens what is left.
  virtual void cut_power() {}
};

struct Adapter {
  std::string name;
  bool durable = false;  // keeps the promises about opening again
  std::function<std::unique_ptr<Subject>()> make;
  bool one_log = true;  // keeps those about commits of several conversations, and about the feed
};

}  // namespace parley::contract
