#include "cli/show_profile.h"

#include <fmt/format.h>

#include "cli/context.h"
#include "cli/text.h"

namespace parley::cli {

void show_profile(const v1::Profile& profile, bool json) {
  if (json) return print_json(profile);
  print_line(fmt::format("name          {}", printable(profile.name())));
  print_line(fmt::format("display name  {}", printable(profile.display_name())));
  if (!profile.about().empty())
    print_line(fmt::format("about         {}", printable(profile.about())));
  print_line(fmt::format("number        {}", profile.user_id()));
  if (profile.created_ms())
    print_line(fmt::format("since         {}", date_time(profile.created_ms())));
}

}  // namespace parley::cli
