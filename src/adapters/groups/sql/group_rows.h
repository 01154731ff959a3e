#pragma once
#include "adapters/shared/sql/database.h"
#include "ports/groups.h"

namespace parley::groups {

inline long long number(auto id) { return static_cast<long long>(id.value); }

/// Groups with the role of a user; `tail` begins with WHERE and takes the parameters by place.
std::vector<GroupWithRole> groups_where(soci::session& s, UserId asker, const std::string& tail,
                                        const std::vector<long long>& parameters);
std::vector<GroupMember> members_where(soci::session& s, const std::string& tail,
                                       const std::vector<long long>& parameters);
std::vector<GroupOutboxRow> outbox_rows(soci::session& s, long long limit);

/// Whether that very change was stored as that version of the group.
bool is_stored(soci::session& s, const GroupOutboxRow& change);
/// Leaves the change's outbox row, and by what it is known again.
void put_change(soci::session& s, const GroupOutboxRow& change);
void insert_group(soci::session& s, const Group& group);
void update_group(soci::session& s, const Group& group);
void put_member(soci::session& s, GroupId group, const GroupMember& member);

}  // namespace parley::groups
