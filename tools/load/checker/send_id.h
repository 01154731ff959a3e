#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace parley::load {

/// The number of a send within its process, from 0.
using SendIndex = std::uint32_t;

/// Makes the client_message_ids of one process: UUIDs of version 7 whose last 32 bits are the
/// send's number, so that an entry leads back to its send without a table. Any thread.
class SendIds {
 public:
  /// `nonce` tells runs apart (38 bits are used), `process` the processes of a run.
  SendIds(std::int64_t unix_ms, std::uint64_t nonce, std::uint8_t process);

  std::string make(SendIndex index) const;
  /// The send that this id was made for; none if it is not one of ours.
  std::optional<SendIndex> find(std::string_view id) const;

 private:
  std::string prefix_;  // the first 28 of 36 characters
};

}  // namespace parley::load
