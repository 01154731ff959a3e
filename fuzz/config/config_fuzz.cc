// The configuration file: whatever it says, it is either taken, and then what is printed can be
// read again, or refused with one sentence that names the place.
#include <cstdint>
#include <cstdlib>

#include "app/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace parley;
  app::Config config;
  ConfigReader reader;
  config.declare(reader);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto read = reader.read_text(text, "file.toml"); !read) {
    if (!read.error().message.starts_with("file.toml:")) std::abort();
    return 0;
  }
  app::Config again;
  ConfigReader printed;
  again.declare(printed);
  if (!printed.read_text(reader.print(), "printed")) std::abort();
  (void)config.complete();
  return 0;
}
