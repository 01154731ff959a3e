#pragma once
#include "app/config.h"

namespace parley::app {

struct SeedPlan {
  std::size_t users = 0;
  std::size_t conversations = 1;  // of each user, with its neighbours in a ring
  std::size_t messages = 1;       // in each conversation
  std::size_t groups = 0;
  std::size_t group_members = 10;
  std::string tokens_file;  // empty: tokens.jsonl in the data folder
};

/// Fills the folder of a stopped server with people, conversations and messages, and writes a token
/// file: a line of JSON per device with user_id, device_id, name, access_token, peers and groups
/// (the conversations). The folder is marked as test data.
Result<void> seed(const Config& config, const SeedPlan& plan);

}  // namespace parley::app
