#pragma once
#include <memory>

#include "subject.h"

namespace parley::contract {

// Adapters with one fault each, over the one in memory. The suite is worth something only if it
// finds them.

/// Acknowledges every eleventh commit and stores nothing of it.
std::unique_ptr<Subject> forgetful();
/// Stores every eleventh commit's last entry a second time, under the next seq.
std::unique_ptr<Subject> repeating();
/// Acknowledges first, and stores when the next call comes.
std::unique_ptr<Subject> hasty();

}  // namespace parley::contract
