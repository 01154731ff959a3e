#pragma once
#include <cstddef>

#include "base/result.h"
#include "domain/group_change.h"

namespace parley {

// Size classes of groups, by members.
inline constexpr std::size_t kInboxMembers = 500;     // up to here every entry writes inbox rows
inline constexpr std::size_t kReceiptMembers = 1024;  // up to here: receipts and typing
inline constexpr std::size_t kMostMembers = 100'000;
inline constexpr std::size_t kUsersOfOneChange = 256;
inline constexpr std::size_t kTitleBytes = 128;
inline constexpr std::size_t kPictureBytes = 64;

/// Whether somebody with that role may make that change; `target`: the role of the member whom it
/// is about, where it is about one. Error `forbidden` with a sentence. The one table of who may do
/// what:
///
/// | change                | owner                  | admin        | member |
/// |-----------------------|------------------------|--------------|--------|
/// | title, picture, added | yes                    | yes          | no     |
/// | removed               | anybody but the owner  | members only | no     |
/// | left                  | no: give it away first | yes          | yes    |
/// | role, owner           | yes                    | no           | no     |
/// | dissolved             | yes                    | no           | no     |
Result<void> may(Role actor, GroupChange::What change, Role target = Role::member);

}  // namespace parley
