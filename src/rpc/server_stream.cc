#include "rpc/server_stream.h"

#include <boost/asio.hpp>

#include "base/log.h"

namespace parley::rpc {

v1::Frame& ServerStream::add_to_frame() {
  if (!transport_) frame_.Clear();
  if (!dirty_ && transport_) {
    dirty_ = true;
    boost::asio::post(loops_.at(loop_), [self = shared_from_this()] { self->flush(); });
  }
  return frame_;
}

void ServerStream::flush() {
  if (!dirty_ || writing_ || !transport_) return;
  writing_ = true;
  dirty_ = false;
  transport_->write(frame_);
  frame_.Clear();
}

void ServerStream::on_read(v1::Frame& frame) {
  if (!transport_) return;
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
  if (transport_) transport_->read();
}

void ServerStream::on_written(bool ok) {
  writing_ = false;
  if (!transport_) return;
  if (!ok || (ending_ && !dirty_)) return end(true);
  flush();
}

void ServerStream::end(bool now) {
  if (!transport_) return;
  ending_ = true;
  if (writing_ || (dirty_ && !now)) return;  // on_written comes again
  std::exchange(transport_, nullptr)->finish();
  router_.ended(shared_from_this());
}

}  // namespace parley::rpc
