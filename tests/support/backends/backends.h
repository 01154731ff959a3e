#pragma once
#include <string>
#include <string_view>

namespace parley::test {

/// Where a real server listens, "127.0.0.1:15001", by its name in the list that `scripts/backends
/// start` wrote (one `name address` a line). PARLEY_BACKENDS names another list. Throws
/// std::runtime_error with the command to type when there is none: a test never passes without its
/// server.
std::string backend(std::string_view name);

/// A name that no other run uses, of letters, digits and underscores: for a database, a keyspace, a
/// topic or a prefix of keys on a server that tests share.
std::string unique_name(std::string_view prefix);

}  // namespace parley::test
