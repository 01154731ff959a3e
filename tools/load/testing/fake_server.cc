#include "testing/fake_server.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <poll.h>
#include <set>
#include <sys/socket.h>
#include <unistd.h>

namespace parley::load {
struct FakeServer::Peer {
  int fd;
  std::string in;
  bool upgraded = false;
  std::uint64_t user = 0;
};

FakeServer::FakeServer(Spoil spoil, Groups groups) : spoil_(spoil), groups_(std::move(groups)) {
  for (const auto& [name, users] : groups_) {
    v1::Entry& created = logs_[name].entries.emplace_back();
    created.set_conversation_id(name);
    created.set_seq(1);
    created.set_message_id(1);
    created.set_sender(users.front());
    created.mutable_group_change()->set_version(1);
    created.mutable_group_change()->mutable_created()->set_title("a group");
  }
  listener_ = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener_, 64) != 0 || pipe(wake_) != 0)
    std::abort();
  thread_ = std::thread([this] { serve(); });
}

FakeServer::~FakeServer() {
  close(wake_[1]);
  thread_.join();
  for (const auto& [fd, peer] : peers_) close(fd);
  close(wake_[0]);
  close(listener_);
}

std::string FakeServer::address() const {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
  return fmt::format("127.0.0.1:{}", ntohs(address.sin_port));
}

void FakeServer::serve() {
  for (;;) {
    std::vector<pollfd> polled{{listener_, POLLIN, 0}, {wake_[0], POLLIN, 0}};
    for (const auto& [fd, peer] : peers_) polled.push_back({fd, POLLIN, 0});
    ::poll(polled.data(), polled.size(), -1);
    if (polled[1].revents != 0) return;
    if (polled[0].revents != 0) {
      const int fd = accept(listener_, nullptr, nullptr);
      peers_.emplace(fd, Peer{.fd = fd, .in = {}});
    }
    for (std::size_t i = 2; i < polled.size(); ++i) {
      const auto found = peers_.find(polled[i].fd);
      if (polled[i].revents == 0 || found == peers_.end() || read(found->second)) continue;
      close(found->first);
      peers_.erase(found);
    }
  }
}

bool FakeServer::read(Peer& peer) {
  std::array<char, 65536> buffer;
  const ssize_t n = recv(peer.fd, buffer.data(), buffer.size(), 0);
  if (n <= 0) return false;
  peer.in.append(buffer.data(), static_cast<std::size_t>(n));
  if (!peer.upgraded) {
    const std::size_t end = peer.in.find("\r\n\r\n");
    if (end == std::string::npos) return true;
    peer.in.erase(0, end + 4);
    peer.upgraded = true;
    constexpr std::string_view kAnswer =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
        "Sec-WebSocket-Protocol: parley.v1.pb\r\n\r\n";
    ::send(peer.fd, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
  }
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(peer.in[i]); };
  while (peer.in.size() >= 6) {
    std::size_t length = byte(1) & 0x7fU;
    std::size_t head = 6;
    if (length == 126) {
      if (peer.in.size() < 8) return true;
      length = std::size_t{byte(2)} << 8U | byte(3);
      head = 8;
    }
    if (peer.in.size() < head + length) return true;
    if ((byte(0) & 0x0fU) == 8) {
      ::send(peer.fd, "\x88\x02\x03\xe8", 4, MSG_NOSIGNAL);
      return false;
    }
    v1::ClientBatch batch;
    if (!batch.ParseFromString(peer.in.substr(head, length))) return false;
    peer.in.erase(0, head + length);
    for (const auto& frame : batch.frames())
      if (!take(peer, frame)) return false;
  }
  return true;
}

void FakeServer::put(Peer& peer, const v1::ServerFrame& frame) {
  v1::ServerBatch batch;
  *batch.add_frames() = frame;
  const std::string bytes = batch.SerializeAsString();
  std::string out = "\x82";
  if (bytes.size() < 126) {
    out += static_cast<char>(bytes.size());
  } else if (bytes.size() < 65536) {
    out += '\x7e';
    for (const int shift : {8, 0}) out += static_cast<char>(bytes.size() >> shift);
  } else {
    out += '\x7f';
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(bytes.size() >> shift);
  }
  out += bytes;
  ::send(peer.fd, out.data(), out.size(), MSG_NOSIGNAL);
}

std::vector<std::uint64_t> FakeServer::members(const std::string& conversation) const {
  if (const auto group = groups_.find(conversation); group != groups_.end()) return group->second;
  std::vector<std::uint64_t> users(2);
  const char* text = conversation.data() + 2;
  const char* end = conversation.data() + conversation.size();
  text = std::from_chars(text, end, users[0]).ptr + 1;
  std::from_chars(text, end, users[1]);
  return users;
}

bool FakeServer::is_skipped(std::uint64_t user, const v1::Entry& entry) const {
  return entry.message_id() == skipped_message_ && user != entry.sender() &&
         user == groups_.at(entry.conversation_id()).back();
}

bool FakeServer::take(Peer& peer, const v1::ClientFrame& frame) {
  if (peer.user == 0 && !frame.has_hello()) return false;  // cut
  const std::scoped_lock lock(mutex_);
  v1::ServerFrame answer;
  answer.set_re(frame.id());
  switch (frame.op_case()) {
    case v1::ClientFrame::kHello:
      hello(peer, frame.hello());
      break;
    case v1::ClientFrame::kSend:
      if (spoil_.retryable_every > 0 && ++asked_ % spoil_.retryable_every == 0) {
        answer.mutable_error()->set_code("unavailable");
        answer.mutable_error()->set_retryable(true);
        put(peer, answer);
        break;
      }
      send(peer, frame.id(), frame.send());
      break;
    case v1::ClientFrame::kAck:
      for (const auto& each : frame.ack().marks())
        mark(peer.user, each.conversation_id(), each.seq(), 0);
      break;
    case v1::ClientFrame::kRead:
      mark(peer.user, frame.read().conversation_id(), frame.read().seq(), frame.read().seq());
      answer.mutable_result();
      put(peer, answer);
      break;
    case v1::ClientFrame::kHistory:
      history(peer, frame.id(), frame.history());
      break;
    case v1::ClientFrame::kSync:
      backlog(peer, frame.id());
      break;
    case v1::ClientFrame::kTyping:
      typing(peer, frame.typing());
      break;
    case v1::ClientFrame::kPresence:
      presence(peer, frame.id(), frame.presence());
      break;
    default:
      break;
  }
  return true;
}

void FakeServer::hello(Peer& peer, const v1::Hello& hello) {
  const std::string& secret = hello.token().empty() ? hello.resume_ticket() : hello.token();
  peer.user = std::stoull(secret);
  v1::ServerFrame frame;
  auto& welcome = *frame.mutable_welcome();
  welcome.set_user_id(peer.user);
  welcome.set_resume_ticket(secret);
  auto& limits = *welcome.mutable_limits();
  limits.set_frame_bytes(60'000);
  limits.set_text_bytes(16'384);
  limits.set_batch_frames(128);
  limits.set_unanswered_requests(256);
  limits.set_history_page(200);
  limits.set_ack_marks(1024);
  limits.set_watched_users(100);
  put(peer, frame);
  backlog(peer, 0);
}

void FakeServer::send(Peer& peer, std::uint64_t re, const v1::Send& send) {
  const std::string key = fmt::format("{} {}", send.conversation_id(), send.client_message_id());
  v1::ServerFrame frame;
  frame.set_re(re);
  if (const auto known = answers_.find(key); known != answers_.end()) {
    *frame.mutable_result()->mutable_sent() = known->second;
    return put(peer, frame);
  }
  Log& log = logs_[send.conversation_id()];
  ++stored_;
  v1::Entry entry;
  entry.set_conversation_id(send.conversation_id());
  entry.set_seq(log.entries.size() + 1);
  entry.set_countable((log.entries.empty() ? 0 : log.entries.back().countable()) + 1);
  entry.set_message_id(1'000 + stored_);
  entry.set_sender(peer.user);
  entry.set_time_ms(static_cast<std::int64_t>(stored_));
  entry.set_client_message_id(send.client_message_id());
  *entry.mutable_body() = send.body();
  log.entries.push_back(entry);
  if (stored_ == spoil_.skip_member) skipped_message_ = entry.message_id();
  v1::Sent& sent = answers_[key];
  sent.set_seq(entry.seq());
  sent.set_message_id(entry.message_id());
  mark(peer.user, send.conversation_id(), entry.seq(), entry.seq());
  if (stored_ == spoil_.close_after) {
    for (auto& [fd, each] : peers_) {
      shutdown(fd, SHUT_RDWR);
      each.user = 0;
    }
    return;
  }
  *frame.mutable_result()->mutable_sent() = sent;
  if (stored_ == spoil_.late_result)
    late_result_ = [&peer, frame] { put(peer, frame); };
  else
    put(peer, frame);
  // In a group the connection that sent it gets it as well.
  const Peer* but = groups_.contains(send.conversation_id()) ? nullptr : &peer;
  if (stored_ != spoil_.withhold && stored_ != spoil_.hide_live) deliver(entry, but);
  if (late_result_ && stored_ > spoil_.late_result) std::exchange(late_result_, nullptr)();
  if (stored_ == spoil_.lose_stored) log.entries.back() = log.entries.front();
  if (stored_ == spoil_.double_stored) {
    entry.set_seq(entry.seq() + 1);
    entry.set_countable(entry.countable() + 1);
    entry.set_message_id(entry.message_id() + 1);
    ++stored_;
    log.entries.push_back(entry);
    deliver(entry, nullptr);
  }
  if (spoil_.swap_stored != 0 && stored_ == spoil_.swap_stored + 1 && log.entries.size() > 1) {
    auto& one = log.entries[log.entries.size() - 2];
    auto& two = log.entries.back();
    one.mutable_client_message_id()->swap(*two.mutable_client_message_id());
    one.mutable_body()->Swap(two.mutable_body());
  }
}

void FakeServer::deliver(const v1::Entry& entry, const Peer* except) {
  v1::ServerFrame frame;
  *frame.mutable_entry() = entry;
  if (stored_ == spoil_.other_content) frame.mutable_entry()->mutable_body()->set_text("another");
  for (const std::uint64_t user : members(entry.conversation_id()))
    for (auto& [fd, peer] : peers_)
      if (&peer != except && peer.user == user && !is_skipped(user, entry)) put(peer, frame);
}

void FakeServer::mark(std::uint64_t user, const std::string& conversation, std::uint64_t delivered,
                      std::uint64_t read) {
  v1::Receipt& receipt = logs_[conversation].marks[user];
  receipt.set_conversation_id(conversation);
  receipt.set_user_id(user);
  receipt.set_delivered(std::max(receipt.delivered(), delivered));
  receipt.set_read(std::max(receipt.read(), read));
  v1::ServerFrame frame;
  *frame.mutable_receipt() = receipt;
  for (auto& [fd, peer] : peers_)
    for (const std::uint64_t member : members(conversation))
      if (peer.user == member && member != user) put(peer, frame);
}

void FakeServer::history(Peer& peer, std::uint64_t re, const v1::GetHistory& query) {
  const Log& log = logs_[query.conversation_id()];
  v1::ServerFrame frame;
  frame.set_re(re);
  auto& history = *frame.mutable_result()->mutable_history();
  history.set_head(log.entries.size());
  const std::size_t end = std::min<std::size_t>(log.entries.size(), query.after() + query.limit());
  for (std::size_t i = query.after(); i < end; ++i)
    if (!is_skipped(peer.user, log.entries[i])) *history.add_entries() = log.entries[i];
  history.set_more_after(end < log.entries.size());
  put(peer, frame);
}

void FakeServer::backlog(Peer& peer, std::uint64_t re) {
  // All of every conversation, up to what a backlog holds: the rest is a gap.
  constexpr std::size_t kBacklog = 200;
  for (auto& [name, log] : logs_) {
    const auto users = members(name);
    if (std::ranges::find(users, peer.user) == users.end() || log.entries.empty()) continue;
    v1::ServerFrame frame;
    auto& view = *frame.mutable_conversation();
    const std::uint64_t head = log.entries.size();
    view.set_conversation_id(name);
    view.set_head(head);
    view.set_delivered(std::max(log.marks[peer.user].delivered(), log.marks[peer.user].read()));
    view.set_read(log.marks[peer.user].read());
    view.set_unread(log.entries.back().countable() + (spoil_.wrong_unread ? 1 : 0) -
                    (view.read() == 0 ? 0 : log.entries[view.read() - 1].countable()));
    if (!groups_.contains(name))
      *view.add_others() = log.marks[users[0] == peer.user ? users[1] : users[0]];
    put(peer, frame);
    const std::size_t first = log.entries.size() > kBacklog ? log.entries.size() - kBacklog : 0;
    if (first > 0) {
      frame.mutable_gap()->set_conversation_id(name);
      frame.mutable_gap()->set_from(1);
      frame.mutable_gap()->set_to(first);
      put(peer, frame);
    }
    if (spoil_.withhold != 0 && re == 0) continue;
    for (std::size_t i = first; i < log.entries.size(); ++i) {
      if (is_skipped(peer.user, log.entries[i])) continue;
      *frame.mutable_entry() = log.entries[i];
      put(peer, frame);
    }
  }
  v1::ServerFrame end;
  end.set_re(re);
  end.mutable_backlog_end()->set_cursor("c");
  put(peer, end);
}

void FakeServer::typing(const Peer& peer, const v1::Typing& typing) {
  v1::ServerFrame frame;
  frame.mutable_typing()->set_conversation_id(typing.conversation_id());
  frame.mutable_typing()->set_user_id(peer.user + (spoil_.wrong_typist ? 1 : 0));
  for (const std::uint64_t user : members(typing.conversation_id()))
    for (auto& [fd, other] : peers_)
      if (other.user == user && user != peer.user) put(other, frame);
}

void FakeServer::presence(Peer& peer, std::uint64_t re, const v1::WatchPresence& watch) {
  for (const std::uint64_t user : watch.user_ids()) {
    const bool here =
        std::ranges::any_of(peers_, [&](const auto& other) { return other.second.user == user; });
    v1::ServerFrame frame;
    frame.set_re(re);
    frame.mutable_presence()->set_user_id(user);
    frame.mutable_presence()->set_online(here && !spoil_.deny_presence);
    put(peer, frame);
  }
}

v1::Receipts FakeServer::receipts(const std::string& conversation, std::uint64_t seq) {
  const std::scoped_lock lock(mutex_);
  Log& log = logs_[conversation];
  const auto users = members(conversation);
  v1::Receipts out;
  for (const std::uint64_t user : users) {
    if (user == log.entries[seq - 1].sender()) continue;
    v1::Receipt& each = *out.add_each();
    each = log.marks[user];
    each.set_user_id(user);
    each.set_delivered(std::max(each.delivered(), each.read()));
    if (spoil_.forget_receipt && user == users.back()) each.set_delivered(0);
    out.set_members(out.members() + 1);
    out.set_delivered(out.delivered() + (each.delivered() >= seq ? 1 : 0));
    out.set_read(out.read() + (each.read() >= seq ? 1 : 0));
  }
  return out;
}

}  // namespace parley::load
