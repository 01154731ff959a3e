#include "services/gateway/ticket.h"

#include <array>
#include <sodium.h>

#include "base/check.h"

namespace parley::gateway {
namespace {

constexpr std::size_t kContent = 1 + 3 * 8;  // version, user, device, expiry; big-endian
constexpr std::size_t kMac = crypto_generichash_BYTES_MIN;
constexpr std::size_t kTicket = kContent + kMac;
constexpr unsigned char kVersion = 1;
constexpr int kBase64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

using Ticket = std::array<unsigned char, kTicket>;

void put(unsigned char* at, std::uint64_t value) {
  for (int i = 7; i >= 0; --i, value >>= 8) at[i] = static_cast<unsigned char>(value);
}
std::uint64_t get(const unsigned char* at) {
  std::uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value = value << 8 | at[i];
  return value;
}

void sign(const Ticket& ticket, const TicketKey& key, unsigned char* mac) {
  crypto_generichash(mac, kMac, ticket.data(), kContent, key.data(), key.size());
}

}  // namespace

Tickets::Tickets(const TicketKey& key) : key_(key) {
  PARLEY_CHECK(sodium_init() >= 0, "libsodium does not start");
}

std::string Tickets::make(const Principal& who) const {
  Ticket ticket;
  ticket[0] = kVersion;
  put(&ticket[1], who.user.value);
  put(&ticket[9], who.device.value);
  put(&ticket[17], static_cast<std::uint64_t>(who.expires.value));
  sign(ticket, key_, &ticket[kContent]);
  std::string text(sodium_base64_encoded_len(kTicket, kBase64), '\0');
  sodium_bin2base64(text.data(), text.size(), ticket.data(), ticket.size(), kBase64);
  text.pop_back();  // the terminating zero
  return text;
}

Result<Principal> Tickets::check(std::string_view text, TimeMs now) const {
  const auto refuse = [] {
    return fail(Code::unauthenticated, "this is no resume ticket of this server", "resume_ticket");
  };
  Ticket ticket;
  std::size_t size = 0;
  const char* end = nullptr;
  if (sodium_base642bin(ticket.data(), ticket.size(), text.data(), text.size(), nullptr, &size,
                        &end, kBase64) != 0 ||
      size != kTicket || end != text.data() + text.size() || ticket[0] != kVersion)
    return refuse();
  std::array<unsigned char, kMac> mac;
  sign(ticket, key_, mac.data());
  if (sodium_memcmp(mac.data(), &ticket[kContent], kMac) != 0) return refuse();
  const Principal who{UserId(get(&ticket[1])), DeviceId(get(&ticket[9])),
                      TimeMs(static_cast<std::int64_t>(get(&ticket[17])))};
  if (who.expires <= now)
    return fail(Code::token_expired, "the resume ticket has expired: use an access token",
                "resume_ticket");
  return who;
}

}  // namespace parley::gateway
