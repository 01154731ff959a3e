#include "rpc/server_stream.h"

#include <boost/asio.hpp>

#include "base/log.h"

namespace parley::rpc {

void ServerStream::start(boost::asio::ip::tcp::socket socket, SecurityPtr security) {
  stream_ = FrameStream::adopt(
      std::move(socket), std::move(security),
      {.on_frame = [self = shared_from_this()](v1::Frame& frame) { self->on_frame(frame); },
       .on_written = [self = shared_from_this()] { self->on_written(); },
       .on_ended =
           [self = shared_from_this()](const Error& why) {
             if (self->stream_ && why.code == Code::internal)
               log::warn("rpc", "refused: {}", why.message);
             self->leave();
             self->over_();
           }});
}

v1::Frame& ServerStream::add_to_frame() {
  if (!stream_) frame_.Clear();
  if (!dirty_ && stream_) {
    dirty_ = true;
    boost::asio::post(loops_.at(loop_), [self = shared_from_this()] { self->flush(); });
  }
  return frame_;
}

void ServerStream::flush() {
  if (!dirty_ || writing_ || !stream_) return;
  writing_ = true;
  dirty_ = false;
  stream_->write(frame_);
  frame_.Clear();
}

void ServerStream::on_frame(v1::Frame& frame) {
  if (!stream_) return;
  if (!greeted_) {
    greeted_ = true;
    auto& hello = *add_to_frame().mutable_hello();
    hello.set_version(version_);
    hello.set_process(process_);
    if (frame.hello().version() != version_) {
      log::warn("rpc", "refused process={} version={}", frame.hello().process(),
                frame.hello().version());
      return end(false);
    }
    log::info("rpc", "welcomed process={}", frame.hello().process());
  } else {
    if (frame.ping() != 0) add_to_frame().set_pong(frame.ping());
    router_.handle(shared_from_this(), frame);
  }
}

void ServerStream::on_written() {
  writing_ = false;
  if (!stream_) return;
  if (ending_ && !dirty_) return end(false);
  flush();
}

void ServerStream::end(bool now) {
  if (!stream_) return;
  ending_ = true;
  if (now) return stream_->cancel();
  if (writing_ || dirty_) return;  // on_written comes again
  stream_->finish();
  leave();
}

void ServerStream::leave() {
  if (std::exchange(stream_, nullptr)) router_.ended(shared_from_this());
}

}  // namespace parley::rpc
