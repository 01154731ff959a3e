// Input: the first bytes of a connection. Whatever they are, more of them do not change what was
// whole or wrong already.
#include "base/check.h"
#include "net/proxy_header.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using parley::net::ProxyHeader;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto all = parley::net::read_proxy_header(bytes);
  PARLEY_CHECK(all.size <= bytes.size(), "a header is longer than what came");
  for (std::size_t part = 0; part < size; ++part) {
    const auto some = parley::net::read_proxy_header(bytes.substr(0, part));
    if (some.state == ProxyHeader::State::need_more) continue;
    PARLEY_CHECK(some.state == all.state && some.size == all.size && some.client == all.client,
                 "more bytes change a header");
    break;
  }
  return 0;
}
