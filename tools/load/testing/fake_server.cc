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
namespace {

std::array<std::uint64_t, 2> members(const std::string& conversation) {
  std::array<std::uint64_t, 2> users{};
  const char* text = conversation.data() + 2;
  const char* end = conversation.data() + conversation.size();
  text = std::from_chars(text, end, users[0]).ptr + 1;
  std::from_chars(text, end, users[1]);
  return users;
}

}  // namespace

struct FakeServer::Peer {
  int fd;
  std::string in;
  bool upgraded = false;
  std::uint64_t user = 0;
};

FakeServer::FakeServer(Spoil spoil) : spoil_(spoil) {
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

bool FakeServer::take(Peer& peer, const v1::ClientFrame& frame) {
  if (peer.user == 0 && !frame.has_hello()) return false;  // cut
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
  entry.set_countable(entry.seq());
  entry.set_message_id(1'000 + stored_);
  entry.set_sender(peer.user);
  entry.set_time_ms(static_cast<std::int64_t>(stored_));
  entry.set_client_message_id(send.client_message_id());
  *entry.mutable_body() = send.body();
  log.entries.push_back(entry);
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
  put(peer, frame);
  if (stored_ != spoil_.withhold && stored_ != spoil_.hide_live) deliver(entry, &peer);
  if (stored_ == spoil_.lose_stored) log.entries.back() = log.entries.front();
  if (stored_ == spoil_.double_stored) {
    entry.set_seq(entry.seq() + 1);
    entry.set_countable(entry.seq());
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
  const auto users = members(entry.conversation_id());
  for (auto& [fd, peer] : peers_)
    if (&peer != except && (peer.user == users[0] || peer.user == users[1])) put(peer, frame);
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
  for (std::size_t i = query.after(); i < end; ++i) *history.add_entries() = log.entries[i];
  history.set_more_after(end < log.entries.size());
  put(peer, frame);
}

void FakeServer::backlog(Peer& peer, std::uint64_t re) {
  // All of every conversation, up to what a backlog holds: the rest is a gap.
  constexpr std::size_t kBacklog = 200;
  for (auto& [name, log] : logs_) {
    const auto users = members(name);
    if ((users[0] != peer.user && users[1] != peer.user) || log.entries.empty()) continue;
    v1::ServerFrame frame;
    auto& view = *frame.mutable_conversation();
    const std::uint64_t head = log.entries.size();
    view.set_conversation_id(name);
    view.set_head(head);
    view.set_delivered(std::max(log.marks[peer.user].delivered(), log.marks[peer.user].read()));
    view.set_read(log.marks[peer.user].read());
    view.set_unread(head - view.read() + (spoil_.wrong_unread ? 1 : 0));
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
      *frame.mutable_entry() = log.entries[i];
      put(peer, frame);
    }
  }
  v1::ServerFrame end;
  end.set_re(re);
  end.mutable_backlog_end()->set_cursor("c");
  put(peer, end);
}

}  // namespace parley::load
