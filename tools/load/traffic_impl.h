// The inner types of Traffic, shared by its source files.
#pragma once
#include "traffic.h"

namespace parley::load {

/// The kinds of requests, in the low bits of a request's id; the rest of the id says which.
enum class Request : std::uint8_t { other, send, read, fetch, proof, views, watch };
inline constexpr unsigned kRequestBits = 3;
inline std::uint64_t request_id(Request kind, std::uint64_t which) {
  return (which + 1) << kRequestBits | static_cast<std::uint64_t>(kind);
}

/// A device and what it has under way.
struct Traffic::Client {
  Client(Loop& loop, const Target& target, Traffic& traffic, std::size_t number,
         std::size_t user_number)
      : session(loop, target, traffic, number), user(user_number) {}

  Session session;
  const std::size_t user;
  bool begun = false;      // the first backlog has ended
  bool counted = false;    // among those ready
  bool leaving = false;    // we closed it
  bool returning = false;  // a reconnect is in the queue
  unsigned attempts = 0;
  std::string first_cursor;
  struct Head {
    std::uint64_t seq = 0;
    std::uint64_t delivered = 0;  // as the server knows
  };
  std::unordered_map<std::string, Head> first_heads;  // of every conversation it is told of
  std::deque<SendIndex> unanswered;                   // in the order of sending
  std::deque<SendIndex> waiting;                      // for the connection
  std::vector<SendIndex> retry;                       // failed, to be sent again
  std::vector<std::size_t> retry_fetches;
  std::vector<std::size_t> retry_jobs;
  bool retry_read = false;
  bool retry_views = false;
  bool has_retries = false;
  bool resend_all = false;  // after a reconnect
  Nanos retry_at = 0;
  Nanos lost_at = 0;            // when its connection was lost last
  std::vector<LogIndex> dirty;  // logs that hold more than was acknowledged by `ack`
  std::optional<std::pair<ConversationIndex, std::uint64_t>> reading;
  bool watches = false;
  bool asks = false;  // its request to watch is not answered
  bool retry_watch = false;
  std::unordered_map<std::uint64_t, bool> seen;  // those whom it watches: is online, as told last
};

struct Traffic::User {
  std::vector<ConversationIndex> all;
  std::vector<ConversationIndex> sends_to;
  std::vector<ConversationIndex> posts_to;
  std::vector<std::pair<ConversationIndex, MemberIndex>> groups;  // and which member this is
  std::size_t next = 0;
  std::size_t next_post = 0;
  std::size_t sent = 0;
};

/// A stretch of history on its way to a device.
struct Traffic::Fetch {
  std::size_t client;
  LogIndex log;
  std::uint64_t after;
  std::uint64_t to;
  bool used;
};

/// The state of the last act: one job per conversation and member.
struct Traffic::Proof {
  struct Job {
    ConversationIndex conversation;
    MemberIndex member;
    std::uint64_t after;
  };
  std::vector<Job> jobs;
  std::vector<std::vector<std::size_t>> of_client;  // jobs not yet begun
  std::vector<std::vector<std::size_t>> flying;     // jobs asked for, per client
  std::size_t left = 0;
  std::size_t at_once = 0;
  bool progress = false;
  std::size_t views_left = 0;
  std::vector<bool> views_wanted;  // per client
  std::vector<bool> viewed;        // per place in `members_`
};

}  // namespace parley::load
