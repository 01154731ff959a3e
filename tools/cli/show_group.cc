#include "cli/show_group.h"

#include <fmt/format.h>

#include "cli/context.h"
#include "cli/text.h"

namespace parley::cli {

std::string_view word_of(v1::Role role) {
  return role == v1::ROLE_OWNER ? "owner" : role == v1::ROLE_ADMIN ? "admin" : "member";
}

void show_group(const v1::Group& group, bool json) {
  if (json) return print_json(group);
  print_line(fmt::format("#{}", printable(group.title())));
  print_line(fmt::format("  conversation  {}", group.conversation_id()));
  print_line(fmt::format("  members       {}", group.members()));
  print_line(fmt::format("  you are       {}", word_of(group.role())));
  print_line(fmt::format("  made          {}", date_time(group.created_ms())));
}

}  // namespace parley::cli
