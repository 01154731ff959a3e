#pragma once
#include <parley/v1/rest.pb.h>
#include <string_view>

namespace parley::cli {

/// `member`, `admin`, `owner`.
std::string_view word_of(v1::Role role);

/// A group on standard output, as text or JSON.
void show_group(const v1::Group& group, bool json);

}  // namespace parley::cli
