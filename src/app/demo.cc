#include <array>
#include <filesystem>
#include <fstream>
#include <sodium.h>

#include "app/process.h"
#include "app/server.h"

namespace parley::app {

Result<Server::Person> Server::demo_person(const std::string& name,
                                           const std::string& display_name) {
  auto& parts = *parts_;
  PARLEY_TRY(data, data_folder(parts.config));
  const auto kept = data / ("demo_" + name + ".password");
  Person person{name, display_name, {}};
  // Kept before the account is made, so that a crash in between leaves no account without a
  // password.
  if (std::ifstream in(kept); !std::getline(in, person.password)) {
    std::array<unsigned char, 9> random;
    randombytes_buf(random.data(), random.size());
    person.password.resize(
        sodium_base64_ENCODED_LEN(random.size(), sodium_base64_VARIANT_URLSAFE_NO_PADDING));
    sodium_bin2base64(person.password.data(), person.password.size(), random.data(), random.size(),
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    person.password.pop_back();  // its terminating zero
    std::ofstream out(kept);
    std::filesystem::permissions(
        kept, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    if (!(out << person.password << '\n' << std::flush))
      return fail(Code::storage_full, kept.string() + " cannot be written: is there space?");
  }
  auto made = run_on_loop(*parts.loops, [&]() -> Awaitable<Result<TokenPair>> {
    return parts.api.auth->sign_up({name, person.password, display_name, "demo", {}, "127.0.0.1"});
  });
  if (!made && made.error().code != Code::already_exists) return std::unexpected(made.error());
  return person;
}

}  // namespace parley::app
