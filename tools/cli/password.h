#pragma once
#include <string>

#include "client/failure.h"

namespace parley::cli {

/// One line of standard input (`--password-stdin`), or asked for on the terminal without echo;
/// `twice` asks again and compares.
client::Outcome<std::string> read_password(bool from_stdin, bool twice);

}  // namespace parley::cli
