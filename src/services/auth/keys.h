#pragma once
#include <string_view>

namespace parley::auth {

/// The names of auth's secrets in the SecretStore.
inline constexpr std::string_view kSigningKey = "auth.access_token_key";
inline constexpr std::string_view kRefreshKey = "auth.refresh_token_key";

}  // namespace parley::auth
