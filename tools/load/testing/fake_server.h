#pragma once
#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "parley/v1/frames.pb.h"
#include "parley/v1/rest.pb.h"

namespace parley::load {

/// A server of conversations in a few lines, for the tests of the load program: it keeps all
/// in memory, on one thread, and breaks its promises on demand. A token is the user's number and
/// the device's, as `7:1`.
class FakeServer {
 public:
  /// What to spoil. Counted over the entries of the run, from 1; 0: nothing.
  struct Spoil {
    std::size_t lose_stored = 0;      // acknowledged and delivered, not kept
    std::size_t double_stored = 0;    // stored twice
    std::size_t swap_stored = 0;      // stored after its successor
    std::size_t other_content = 0;    // one device is shown another text
    std::size_t withhold = 0;         // never delivered
    std::size_t hide_live = 0;        // not delivered live; a history has it
    std::size_t late_result = 0;      // its sender sees the next entry first
    std::size_t close_after = 0;      // all connections are cut before the acknowledgement
    std::size_t retryable_every = 0;  // every so manieth send is told `unavailable`, not stored
    std::size_t skip_member = 0;      // one member of a group is never told, by no way
    bool wrong_unread = false;
    bool wrong_typist = false;    // typing is told of somebody else
    bool deny_presence = false;   // everybody is shown as absent
    bool forget_receipt = false;  // a member of a group has confirmed nothing
  };
  /// Conversations of groups, and their members.
  using Groups = std::map<std::string, std::vector<std::uint64_t>>;

  explicit FakeServer(Spoil spoil, Groups groups = {});
  ~FakeServer();
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;

  std::string address() const;
  /// As GET /v1/conversations/{id}/receipts answers. Any thread.
  v1::Receipts receipts(const std::string& conversation, std::uint64_t seq);

 private:
  struct Peer;
  struct Log {
    std::vector<v1::Entry> entries;
    std::map<std::uint64_t, v1::Receipt> marks;
  };

  void serve();
  bool read(Peer& peer);
  bool take(Peer& peer, const v1::ClientFrame& frame);
  void hello(Peer& peer, const v1::Hello& hello);
  void send(Peer& peer, std::uint64_t re, const v1::Send& send);
  void mark(std::uint64_t user, const std::string& conversation, std::uint64_t delivered,
            std::uint64_t read);
  void history(Peer& peer, std::uint64_t re, const v1::GetHistory& query);
  void backlog(Peer& peer, std::uint64_t re);
  void typing(const Peer& peer, const v1::Typing& typing);
  void presence(Peer& peer, std::uint64_t re, const v1::WatchPresence& watch);
  std::vector<std::uint64_t> members(const std::string& conversation) const;
  bool is_skipped(std::uint64_t user, const v1::Entry& entry) const;
  void deliver(const v1::Entry& entry, const Peer* except);
  static void put(Peer& peer, const v1::ServerFrame& frame);

  const Spoil spoil_;
  const Groups groups_;
  int listener_ = -1;
  int wake_[2];
  std::map<int, Peer> peers_;
  std::mutex mutex_;  // of the logs
  std::map<std::string, Log> logs_;
  std::uint64_t skipped_message_ = 0;
  std::function<void()> late_result_;  // puts it
  std::map<std::string, v1::Sent> answers_;
  std::size_t stored_ = 0;
  std::size_t asked_ = 0;
  std::thread thread_;
};

}  // namespace parley::load
