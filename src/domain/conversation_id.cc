#include "domain/conversation_id.h"

#include <charconv>

#include "base/check.h"
#include "domain/text.h"

namespace parley {
namespace {

bool parse_id(std::string_view& text, std::uint64_t& out) {
  if (text.empty() || text.front() == '0') return false;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  if (error != std::errc() || out > (1ULL << 63) - 1) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return true;
}

void put_big_endian(std::string& out, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}
std::uint64_t get_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

}  // namespace

ConversationId ConversationId::direct(UserId one, UserId other) {
  return {Kind::direct, std::min(one.value, other.value), std::max(one.value, other.value)};
}

Result<ConversationId> ConversationId::parse(std::string_view text) {
  const auto refuse = [] {
    return fail(Code::invalid_argument,
                "not a conversation id: write d:SMALLER_USER:LARGER_USER or g:GROUP",
                "conversation_id");
  };
  if (text.size() < 3 || text.size() > 42 || text[1] != ':') return refuse();
  const char kind = text[0];
  text.remove_prefix(2);
  std::uint64_t first = 0, second = 0;
  if (!parse_id(text, first)) return refuse();
  if (kind == 'd') {
    if (text.empty() || text.front() != ':') return refuse();
    text.remove_prefix(1);
    if (!parse_id(text, second) || second < first) return refuse();
  } else if (kind != 'g' && kind != 'c') {
    return refuse();
  }
  if (!text.empty()) return refuse();
  return ConversationId(static_cast<Kind>(kind), first, second);
}

std::string ConversationId::text() const {
  char out[48];
  out[0] = static_cast<char>(kind_);
  out[1] = ':';
  char* end = std::to_chars(out + 2, out + sizeof out, first_).ptr;
  if (is_direct()) {
    *end++ = ':';
    end = std::to_chars(end, out + sizeof out, second_).ptr;
  }
  return {out, end};
}

std::string ConversationId::key() const {
  std::string out;
  out.reserve(17);
  out.push_back(static_cast<char>(kind_));
  put_big_endian(out, first_);
  put_big_endian(out, second_);
  return out;
}

ConversationId ConversationId::from_key(std::string_view key) {
  PARLEY_CHECK(key.size() == 17, "a conversation's key has 17 bytes");
  return {static_cast<Kind>(key[0]), get_big_endian(key.substr(1, 8)),
          get_big_endian(key.substr(9, 8))};
}

ShardId shard_of(const ConversationId& id, std::uint32_t shards) {
  return ShardId(static_cast<std::uint32_t>(hash_bytes(id.text()) % shards));
}

}  // namespace parley
