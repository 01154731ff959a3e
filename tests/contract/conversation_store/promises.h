#pragma once
#include <vector>

#include "subject.h"

namespace parley::contract {

/// One promise of the ports' comments, named for the behaviour; `check` reports by GoogleTest's
/// expectations. Kept as data so that the suite can be run over an adapter that is known to be
/// wrong.
struct Promise {
  const char* name;
  void (*check)(Subject&);
  bool durable = false;  // needs an adapter that outlives its object
  bool one_log = false;  // needs an adapter whose conversations share a log
};

#define PROMISE(name) {#name, name}
#define DURABLE_PROMISE(name) {#name, name, true}
#define ONE_LOG_PROMISE(name) {#name, name, false, true}
#define DURABLE_ONE_LOG_PROMISE(name) {#name, name, true, true}

std::vector<Promise> append_promises();
std::vector<Promise> read_promises();
std::vector<Promise> mark_promises();
std::vector<Promise> group_promises();
std::vector<Promise> feed_promises();
std::vector<Promise> durable_promises();
std::vector<Promise> all_promises();

}  // namespace parley::contract
