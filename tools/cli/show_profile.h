#pragma once
#include <parley/v1/rest.pb.h>

namespace parley::cli {

void show_profile(const v1::Profile& profile, bool json);

}  // namespace parley::cli
