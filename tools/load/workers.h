#pragma once
#include <functional>

#include "options.h"
#include "result.h"

namespace parley::load {

/// One process's work: its number, and a barrier that returns when every process has come to it.
using Work = std::function<Result(std::size_t process, const std::function<void()>& barrier)>;

/// Does the work in `processes` processes (in this one if it is one) and merges what they found.
/// Throws std::runtime_error if one of them fails; it has then said why on stderr.
Result run_in_processes(std::size_t processes, const Work& work);

}  // namespace parley::load
