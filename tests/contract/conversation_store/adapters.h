#pragma once
#include <vector>

#include "subject.h"

namespace parley::contract {

/// Every adapter that must keep the promises.
std::vector<Adapter> adapters();

}  // namespace parley::contract
