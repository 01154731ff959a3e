#include "net/edge_impl.h"

namespace parley::net {

void Edge::Impl::consume_frames(Connection& c, char*& at, char* end) {
  if (c.streams) {  // what a request is followed by, its answer being without end
    at = end;
    return;
  }
  FrameReader& reader = c.input && c.input->frames ? *c.input->frames : frames_;
  while (at != end && !c.paused && !c.farewell && c.state != State::lingering) {
    const auto event = reader.next(at, end, config_.max_message);
    if (event.kind == FrameReader::Kind::need_more) break;
    const bool open = c.state == State::open;
    switch (event.kind) {
      case FrameReader::Kind::message:
        if (!open) break;
        ++turn_messages_;
        handler_.on_message(id_of(c), event.binary, event.payload);
        break;
      case FrameReader::Kind::ping:
        if (open) send(id_of(c), encode_frame(Opcode::pong, event.payload));
        break;
      case FrameReader::Kind::close:
        close_received(c, event.payload);
        break;
      case FrameReader::Kind::violation:
        fail(c, event.code, event.violation);
        break;
      default:
        break;
    }
  }
  if (c.state == State::lingering || c.farewell) {
    frames_ = {};
    at = end;
  } else if (&reader != &frames_) {
    if (reader.idle()) c.input->frames.reset();
  } else if (!reader.idle()) {
    if (!c.input) c.input = std::make_unique<Input>();
    c.input->frames = std::make_unique<FrameReader>(std::move(frames_));
    frames_ = {};
  }
}

void Edge::Impl::close_received(Connection& c, std::string_view payload) {
  const auto said = parse_close(payload);
  if (!said.bad.empty()) return fail(c, said.code, said.bad);
  if (c.state == State::open) {
    c.close_code = said.code;
    c.state = State::closing;
    c.since = tick_;
    enqueue(c, encode_close(said.code, {}));
    arm(c);
  }
  c.farewell = true;
  mark_dirty(c);
}

}  // namespace parley::net
