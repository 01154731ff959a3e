#pragma once
#include <string>

#include "options.h"
#include "result.h"

namespace parley::load {

/// The table for people: latencies, rates, counts, the verdict with the offending entries.
std::string table(const Options& options, const Result& result);
/// The same as one JSON object: durations in milliseconds, rates per second.
std::string json(const Options& options, const Result& result);

}  // namespace parley::load
