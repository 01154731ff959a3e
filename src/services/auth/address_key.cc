#include "services/auth/address_key.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>

namespace parley::auth {

std::string address_key(std::string_view remote_address) {
  boost::system::error_code error;
  const auto address = boost::asio::ip::make_address(std::string(remote_address), error);
  if (error || !address.is_v6()) return std::string(remote_address.substr(0, 64));
  auto v6 = address.to_v6();
  if (v6.is_v4_mapped())
    return boost::asio::ip::make_address_v4(boost::asio::ip::v4_mapped, v6).to_string();
  auto bytes = v6.to_bytes();
  std::fill(bytes.begin() + 8, bytes.end(), 0);
  return boost::asio::ip::address_v6(bytes).to_string() + "/64";
}

}  // namespace parley::auth
