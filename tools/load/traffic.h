#pragma once
#include <csignal>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <random>
#include <unordered_map>

#include "accounts.h"
#include "checker/checker.h"
#include "options.h"
#include "parley/v1/rest.pb.h"
#include "plan.h"
#include "result.h"
#include "session.h"
#include "text_pool.h"

namespace parley::load {

/// What one process may take from, and gives to, the whole.
struct Share {
  std::size_t process = 0;
  std::int64_t unix_ms = 0;
  std::uint64_t nonce = 0;
  bool talks = true;  // prints the progress line
  /// Called when all sessions are ready; returns when those of every process are.
  std::function<void()> all_ready;
  /// Asks, as somebody, for the marks of the others in a group at a seq; none: they are not proved.
  std::function<v1::Receipts(const Account& asker, const std::string& conversation,
                             std::uint64_t seq)>
      receipts = {};
};

/// Set by SIGINT and SIGTERM: the load stops, and what was done is proved.
extern volatile std::sig_atomic_t stop_asked;

/// The load itself: connects everyone, sends and receives for the time asked for, waits for the
/// rest, reads the histories and judges. One process, one thread.
class Traffic final : public SessionListener {
 public:
  /// `groups` are there; their members are accounts by their place.
  Traffic(const Options& options, const Target& target, std::vector<Account> accounts, Share share,
          std::vector<GroupPlan> groups = {});
  ~Traffic() override;

  /// Throws std::runtime_error if it cannot even begin.
  Result run();

  void on_frame(Session& session, const v1::ServerFrame& frame) override;
  void on_ready(Session& session) override;
  void on_lost(Session& session, int code, std::string_view reason) override;

 private:
  struct Client;
  struct User;
  struct Fetch;
  struct Proof;
  struct Talk {
    std::size_t first;  // of its members in `members_`, and of their logs
    MemberIndex size;
    bool group;
  };

  // Preparing.
  void make_pairs_talk();
  void make_groups_talk(const std::vector<GroupPlan>& groups);
  void add_talk(ConversationIndex index, const std::vector<std::size_t>& users, bool group);
  void make_clients();
  /// Draws, unless it is sure.
  bool happens(double probability);
  void connect_all();
  void check_limits();

  // Coming and going (traffic.cc).
  void began(Client& client);
  void came_back(Client& client);
  void left(Client& client);
  void note_interruption();
  void reconnect_later(Client& client, Nanos delay);
  void drop_one();

  // What the server says (traffic_frames.cc).
  void on_first_backlog(Client& client, const v1::ServerFrame& frame);
  void on_entry(Client& client, const v1::Entry& entry);
  void on_sent(Client& client, SendIndex send, const v1::Sent& sent);
  void on_marks(Client& client, std::string_view conversation, std::uint64_t user,
                std::uint64_t delivered);
  void on_gap(Client& client, const v1::Gap& gap);
  void on_read_done(Client& client);
  void on_result(Client& client, std::uint64_t re, const v1::Result& result);
  void on_error(Client& client, std::uint64_t re, const v1::Error& error);
  /// The conversation of a frame, and this client's log of it; none if it is not one of the plan.
  std::optional<ConversationIndex> find(std::string_view conversation) const;
  /// The same; a fault, and none, if the client is not in it.
  std::optional<ConversationIndex> find_own(const Client& client, std::string_view conversation);
  MemberIndex member_of(const Client& client, ConversationIndex conversation) const;
  LogIndex log_of(const Client& client, ConversationIndex conversation) const;

  void came_to_one_more(SendIndex send, Nanos arrival);
  bool is_everywhere(SendIndex send) const;
  void done_with(SendIndex send);

  // What else they tell each other (traffic_signals.cc).
  void type(Client& client, ConversationIndex conversation);
  void on_typing(Client& client, const v1::TypingNotice& notice);
  void watch(Client& client);
  void on_watched(Client& client);
  void on_presence(Client& client, std::uint64_t re, const v1::PresenceNotice& notice);
  bool all_seen() const;
  void blame_unseen();

  // What clients do (traffic_sends.cc).
  void send_next(std::size_t user, Nanos intended);
  void transmit(Client& client, SendIndex send);
  void resend(Client& client);
  void retry_failed(Client& client);
  void answered(Client& client, SendIndex send);
  void mark_dirty(Client& client, LogIndex log);
  void acknowledge_entries(Client& client);
  void read_something(Client& client);
  void send_read(Client& client);
  void fetch(Client& client, LogIndex log, std::uint64_t after, std::uint64_t to);
  void request_fetch(std::size_t slot);
  void took_history(std::size_t slot, const v1::History& history);
  void look_at_holes();

  // Running.
  /// One turn of the loop, the timers included; wakes at `deadline` at the latest.
  void turn(Nanos deadline);
  void tick();
  void send_due();
  void load();
  void hold();
  void measure(Nanos moment);
  void progress();

  // The end (traffic_proof.cc).
  void settle();
  bool settled() const;
  void blame_unsettled();
  void prove();
  void prove_again(Client& client);  // after a reconnect
  void next_jobs(Client& client);
  void request_job(Client& client, std::size_t job);
  void on_proof_history(Client& client, std::size_t job, const v1::History& history);
  void prove_receipts();
  bool prove_receipts_of(ConversationIndex group, bool last_time);
  void prove_views();
  void request_views(Client& client);
  void on_view(Client& client, const v1::Conversation& view);
  void on_views_end(Client& client);

  const Options& options_;
  const Target& target_;
  const Share share_;
  Loop loop_;
  Checker checker_;
  TextPool texts_;
  std::mt19937_64 random_;
  std::vector<Account> accounts_;
  std::vector<User> users_;
  std::vector<std::unique_ptr<Client>> clients_;  // user * devices + device
  std::vector<Talk> talks_;
  std::vector<std::size_t> members_;  // users, of all conversations
  std::vector<std::string> names_;    // of conversations
  std::unordered_map<std::string_view, ConversationIndex> by_name_;
  std::vector<std::uint64_t> delivered_sent_;  // per log: the last `ack`
  std::vector<bool> dirty_known_;              // per log: in its client's `dirty`
  std::vector<bool> hole_known_;               // per log: in `holes_`
  std::vector<Fetch> fetches_;
  std::vector<std::size_t> free_fetches_;
  struct Hole {
    LogIndex log;
    std::size_t client;
    Nanos since;
  };
  std::vector<Hole> holes_;
  std::vector<std::size_t> retrying_;  // clients that have something to ask again
  using Return = std::pair<Nanos, std::size_t>;
  std::priority_queue<Return, std::vector<Return>, std::greater<>> returns_;
  std::unique_ptr<Proof> proof_;
  Result result_;
  std::string last_trouble_;
  Nanos first_loss_ = 0;  // of the interruption that goes on; 0: none does
  std::int64_t first_loss_unix_ms_ = 0;

  bool sending_ = false;
  std::size_t senders_ = 0;
  std::vector<std::size_t> speakers_;  // users who have somewhere to send to
  std::size_t next_speaker_ = 0;
  std::vector<std::uint32_t> copies_;  // per send: devices of others that have it
  std::vector<bool> typed_;            // per place in `members_`: has ever typed there
  std::size_t watching_ = 0;           // requests of those who watch that are not answered
  std::size_t ready_ = 0;
  std::size_t outstanding_ = 0;
  std::size_t reads_flying_ = 0;
  std::size_t fetches_flying_ = 0;
  Nanos turn_now_ = 0;
  Nanos next_tick_ = 0;
  std::uint64_t ticks_ = 0;
  double next_send_ = 0;
  Nanos next_drop_ = 0;
  Nanos measure_from_ = 0;
  Nanos measure_to_ = 0;
  double cpu_at_start_ = 0;
  bool measuring_ = false;
  Nanos next_progress_ = 0;
  std::array<std::uint64_t, 2> progress_before_{};
  v1::ClientFrame send_frame_;
  std::string scratch_;
};

}  // namespace parley::load
