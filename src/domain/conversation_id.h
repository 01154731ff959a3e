#pragma once
#include <compare>
#include <string>
#include <string_view>

#include "base/ids.h"
#include "base/result.h"

namespace parley {

/// `d:7:42` (two users, the smaller first; `d:7:7` is notes to oneself), `g:913`, `c:7`. Says what
/// it is by itself.
class ConversationId {
 public:
  enum class Kind : char { none = 0, direct = 'd', group = 'g', channel = 'c' };

  ConversationId() = default;
  static ConversationId direct(UserId one, UserId other);
  static ConversationId group(std::uint64_t id) { return {Kind::group, id, 0}; }

  /// Only the canonical text: no signs, no leading zeros, no zero ids, the smaller user first.
  static Result<ConversationId> parse(std::string_view text);

  Kind kind() const { return kind_; }
  bool is_direct() const { return kind_ == Kind::direct; }
  /// Of a direct conversation: whether the user is one of the two.
  bool has(UserId user) const {
    return is_direct() && (first_ == user.value || second_ == user.value);
  }
  /// Of a direct conversation: the other user (oneself in notes to oneself).
  UserId peer(UserId user) const { return UserId(first_ == user.value ? second_ : first_); }
  std::uint64_t first() const { return first_; }
  std::uint64_t second() const { return second_; }

  std::string text() const;
  /// 17 bytes that sort by kind, then ids: the key in stores.
  std::string key() const;
  static ConversationId from_key(std::string_view key);

  auto operator<=>(const ConversationId&) const = default;

 private:
  ConversationId(Kind kind, std::uint64_t first, std::uint64_t second)
      : kind_(kind), first_(first), second_(second) {}

  Kind kind_ = Kind::none;
  std::uint64_t first_ = 0;
  std::uint64_t second_ = 0;
};

/// FNV-1a 64 over the id's text, modulo the store's fixed number of shards.
inline constexpr std::uint32_t kShards = 1024;
ShardId shard_of(const ConversationId& id, std::uint32_t shards = kShards);

}  // namespace parley

template <>
struct std::hash<parley::ConversationId> {
  std::size_t operator()(const parley::ConversationId& id) const noexcept {
    const std::hash<parley::UserId> mix;
    return mix(parley::UserId(id.first())) * 31 +
           mix(parley::UserId(id.second() + static_cast<unsigned>(id.kind())));
  }
};
