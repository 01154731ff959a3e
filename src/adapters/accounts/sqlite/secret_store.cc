#include "adapters/accounts/sqlite/secret_store.h"

#include <sodium.h>

#include "adapters/shared/sqlite/execute.h"

namespace parley::accounts {
namespace {

constexpr int kVariant = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

std::string to_base64(const std::string& bytes) {
  std::string text(sodium_base64_encoded_len(bytes.size(), kVariant), '\0');
  sodium_bin2base64(text.data(), text.size(), reinterpret_cast<const unsigned char*>(bytes.data()),
                    bytes.size(), kVariant);
  text.pop_back();  // the terminating zero
  return text;
}

bool from_base64(const std::string& text, std::string& bytes) {
  std::size_t size = 0;
  return sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(),
                           text.data(), text.size(), nullptr, &size, nullptr, kVariant) == 0 &&
         size == bytes.size();
}

}  // namespace

Result<std::string> SqliteSecretStore::get_or_make(std::string_view name, std::size_t size) {
  return db_.write([&](soci::session& s) -> Result<std::string> {
    const std::string key(name);
    std::string text, bytes(size, '\0');
    s << "SELECT value_base64 FROM secrets WHERE name = :name", soci::use(key), soci::into(text);
    if (s.got_data()) {
      if (from_base64(text, bytes)) return bytes;
      return fail(Code::damaged, "the stored secret " + key + " has another size");
    }
    randombytes_buf(bytes.data(), bytes.size());
    sqlite::execute(s, "INSERT INTO secrets (name, value_base64) VALUES (:name, :value)", key,
                    to_base64(bytes));
    return bytes;
  });
}

}  // namespace parley::accounts
