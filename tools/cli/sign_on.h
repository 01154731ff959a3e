#pragma once
#include <parley/v1/rest.pb.h>

#include "cli/context.h"

namespace parley::cli {

/// The name that this device is shown by to its owner.
std::string device_name();

/// Refuses to write over a profile that somebody else is signed in with.
Outcome<void> check_profile_free(const Context& context, std::string name,
                                 const client::Endpoint& server);

/// Stores the tokens under the profile and says who is signed in.
Awaitable<Outcome<void>> keep_tokens(Context& context, client::Endpoint server, v1::Tokens tokens);

}  // namespace parley::cli
