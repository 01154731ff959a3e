#pragma once
#include "base/loops.h"
#include "rpc/frame_stream.h"
#include "rpc/router.h"

namespace parley::rpc {

/// A stream that another process opened: the greeting, the frame being collected, and the end. On
/// its loop, where `over` is called once it has ended.
class ServerStream final : public Connection, public std::enable_shared_from_this<ServerStream> {
 public:
  ServerStream(Loops& loops, std::size_t loop, const Router& router, unsigned version,
               std::string process, std::function<void()> over)
      : loops_(loops),
        loop_(loop),
        router_(router),
        version_(version),
        process_(std::move(process)),
        over_(std::move(over)) {}
  /// Of a loop's socket of which nothing was read.
  void start(boost::asio::ip::tcp::socket socket, SecurityPtr security);

  std::size_t loop() const override { return loop_; }
  v1::Frame& add_to_frame() override;
  bool is_open() const override { return greeted_ && stream_ != nullptr; }

  /// Ends it when what is collected is written; `now`: at once.
  void end(bool now);

 private:
  void on_frame(v1::Frame& frame);
  void on_written();
  void flush();
  void leave();

  Loops& loops_;
  const std::size_t loop_;
  const Router& router_;
  const unsigned version_;
  const std::string process_;
  const std::function<void()> over_;
  std::shared_ptr<FrameStream> stream_;  // null: ended
  bool greeted_ = false, writing_ = false, dirty_ = false, ending_ = false;
  v1::Frame frame_;
};

}  // namespace parley::rpc
