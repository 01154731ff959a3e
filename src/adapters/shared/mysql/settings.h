#pragma once
#include <chrono>
#include <cstdint>
#include <fmt/format.h>
#include <string>

namespace parley::mysql {

struct Settings {
  std::string host = "127.0.0.1";  // a name or an address; always by TCP
  std::uint16_t port = 3306;
  std::string user;
  std::string password;                     // in no error text and no log
  std::string database;                     // letters, digits and underscores
  std::size_t connections = 8;              // at once, of one Database; opened when they are needed
  std::chrono::milliseconds wait{5'000};    // for a free connection: then `busy`
  std::chrono::seconds connect_timeout{5};  // for the server to take a connection
  std::chrono::seconds answer_timeout{15};  // for the answer to one statement
  std::chrono::seconds lock_wait{2};        // of one statement, for other transactions
  std::chrono::milliseconds contention{5'000};  // of one call, with all its attempts: then `busy`
  bool moving = false;  // opens a database that is being filled from elsewhere, too

  /// `127.0.0.1:3306`, for people.
  std::string address() const { return fmt::format("{}:{}", host, port); }
};

}  // namespace parley::mysql
