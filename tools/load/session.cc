#include "session.h"

#include <array>
#include <google/protobuf/io/coded_stream.h>
#include <utility>

namespace parley::load {
namespace {

constexpr char kFramesTag = 1 << 3 | 2;  // ClientBatch.frames, length-delimited
constexpr int kBadFrame = 4500;          // proto/codes.json
constexpr int kBadToken = 4501;

// A batch is decoded at a time, so all sessions share one arena and its first block.
std::array<char, 512 * 1024> arena_block;
google::protobuf::Arena& shared_arena() {
  static google::protobuf::Arena arena = [] {
    google::protobuf::ArenaOptions options;
    options.initial_block = arena_block.data();
    options.initial_block_size = arena_block.size();
    return google::protobuf::Arena(options);
  }();
  return arena;
}

}  // namespace

void Session::connect() { connection_.open(number); }

void Session::on_open() {
  v1::ClientFrame frame;
  frame.set_id(1);
  auto& hello = *frame.mutable_hello();
  if (ticket.empty())
    hello.set_token(token);
  else
    hello.set_resume_ticket(ticket);
  hello.set_cursor(cursor);
  hello.set_client("parley-load/1");
  request(frame);
}

void Session::request(const v1::ClientFrame& frame) {
  const std::size_t size = frame.ByteSizeLong();
  const std::size_t most_frames = std::max(1U, welcome_.limits().batch_frames());
  const std::size_t most_bytes = welcome_.limits().frame_bytes();
  if (batched_ >= most_frames || (batched_ > 0 && batch_.size() + size + 16 > most_bytes)) flush();
  std::array<std::uint8_t, 8> prefix{static_cast<std::uint8_t>(kFramesTag)};
  const auto* end = google::protobuf::io::CodedOutputStream::WriteVarint32ToArray(
      static_cast<std::uint32_t>(size), prefix.data() + 1);
  batch_.append(reinterpret_cast<const char*>(prefix.data()),
                static_cast<std::size_t>(end - prefix.data()));
  const std::size_t at = batch_.size();
  batch_.resize(at + size);
  frame.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(batch_.data() + at));
  ++batched_;
  if (!std::exchange(ending_, true)) loop_.at_end_of_turn(this);
}

void Session::flush() {
  if (batched_ == 0) return;
  connection_.send(batch_);
  batch_.clear();
  batched_ = 0;
}

void Session::turn_ends() {
  ending_ = false;
  if (connection_.is_open()) flush();
}

void Session::drop() {
  connection_.drop();
  forget();
}

void Session::forget() {
  ready_ = false;
  batch_.clear();
  batched_ = 0;
}

void Session::on_closed(int code, std::string_view reason) {
  forget();
  if (code == kBadToken) ticket.clear();
  listener_.on_lost(*this, code, reason);
}

void Session::on_message(std::string_view bytes) {
  auto& arena = shared_arena();
  auto* batch = google::protobuf::Arena::CreateMessage<v1::ServerBatch>(&arena);
  if (!batch->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    drop();
    listener_.on_lost(*this, kBadFrame, "the server sent what is not a ServerBatch");
  } else {
    for (const auto& frame : batch->frames()) {
      take(frame);
      if (!connection_.is_open()) break;
    }
  }
  arena.Reset();
}

void Session::take(const v1::ServerFrame& frame) {
  if (frame.event_case() == v1::ServerFrame::kWelcome) {
    welcome_ = frame.welcome();
    if (!welcome_.resume_ticket().empty()) ticket = welcome_.resume_ticket();
    return;
  }
  if (frame.event_case() == v1::ServerFrame::kBacklogEnd) {
    cursor = frame.backlog_end().cursor();
    if (!std::exchange(ready_, true)) return listener_.on_ready(*this);
  }
  if (frame.event_case() == v1::ServerFrame::kError && !ready_) {
    // Hello was refused. A ticket may have died with its server: the token is tried next.
    const std::string reason = frame.error().code() + ": " + frame.error().message();
    ticket.clear();
    drop();
    return listener_.on_lost(*this, kBadToken, reason);
  }
  listener_.on_frame(*this, frame);
}

}  // namespace parley::load
