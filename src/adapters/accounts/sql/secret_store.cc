#include "adapters/accounts/sql/secret_store.h"

#include <charconv>
#include <fmt/format.h>
#include <sys/random.h>

#include "adapters/shared/sql/execute.h"
#include "base/check.h"

namespace parley::accounts {
namespace {

std::string to_hex(const std::string& bytes) {
  std::string text;
  for (const char c : bytes) text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

std::optional<std::string> from_hex(const std::string& text, std::size_t size) {
  if (text.size() != size * 2) return std::nullopt;
  std::string bytes;
  for (const char* at = text.data(); at != text.data() + text.size(); at += 2) {
    unsigned char byte = 0;
    if (std::from_chars(at, at + 2, byte, 16).ptr != at + 2) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

}  // namespace

Result<std::string> SqlSecretStore::get_or_make(std::string_view name, std::size_t size) {
  return db_.write([&](soci::session& s) -> Result<std::string> {
    const std::string key(name);
    std::string text;
    s << "SELECT value_hex FROM secrets WHERE name = :name", soci::use(key), soci::into(text);
    if (s.got_data()) {
      if (auto stored = from_hex(text, size)) return *std::move(stored);
      return fail(Code::damaged, "the stored secret " + key + " has another size");
    }
    std::string bytes(size, '\0');
    PARLEY_CHECK(::getrandom(bytes.data(), size, 0) == static_cast<ssize_t>(size),
                 "the kernel gives no random bytes");
    sql::execute(s, "INSERT INTO secrets (name, value_hex) VALUES (:name, :value)", key,
                 to_hex(bytes));
    return bytes;
  });
}

}  // namespace parley::accounts
