#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "base/ids.h"

namespace parley {

enum class Role : std::uint8_t { member = 1, admin = 2, owner = 3 };

/// What became of a group: the content of a `group_change` entry.
struct GroupChange {
  enum class What : std::uint8_t {
    created = 1,  // users: its first members, the owner first; text: its title
    title = 2,    // text
    picture = 3,  // text: the id of an asset; empty: none
    added = 4,    // users
    removed = 5,  // users
    left = 6,     // users: the one who left
    role = 7,     // users: one; role
    owner = 8,    // users: the new owner; the one before is an admin from then on
    dissolved = 9,
  };
  What what = What::created;
  std::uint64_t version = 0;  // of the group, after this change; dense from 1
  std::string text;
  std::vector<UserId> users;
  Role role = Role::member;

  bool operator==(const GroupChange&) const = default;
};

/// A group as of an entry of its log.
struct GroupState {
  std::uint64_t version = 0;  // of the last change in the log; 0: not a group
  std::uint32_t members = 0;
  bool wide = false;  // has ever had more members than get inbox rows; stays so
  bool dissolved = false;

  bool operator==(const GroupState&) const = default;
};

/// The state after a change of a group that was in `before`.
GroupState after(const GroupState& before, const GroupChange& change);

}  // namespace parley
