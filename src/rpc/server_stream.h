#pragma once
#include "base/loops.h"
#include "rpc/router.h"

namespace parley::rpc {

/// The state of a stream that another process opened: the greeting, the frame being collected, and
/// the end. On its loop; what is written and read, the transport does.
class ServerStream final : public Connection, public std::enable_shared_from_this<ServerStream> {
 public:
  class Transport {
   public:
    virtual ~Transport() = default;
    virtual void read() = 0;                         // then `on_read`
    virtual void write(const v1::Frame& frame) = 0;  // then `on_written`
    virtual void finish() = 0;  // nothing else after it, and it must not be touched
  };
  ServerStream(Loops& loops, std::size_t loop, const Router& router, unsigned version,
               std::string process, Transport& transport)
      : loops_(loops),
        loop_(loop),
        router_(router),
        version_(version),
        process_(std::move(process)),
        transport_(&transport) {}

  std::size_t loop() const override { return loop_; }
  v1::Frame& add_to_frame() override;
  bool is_open() const override { return greeted_ && transport_ != nullptr; }

  void on_read(v1::Frame& frame);
  void on_written(bool ok);
  /// Ends it when what is collected is written; `now`: at once.
  void end(bool now);

 private:
  void flush();

  Loops& loops_;
  const std::size_t loop_;
  const Router& router_;
  const unsigned version_;
  const std::string process_;
  Transport* transport_;  // null: ended
  bool greeted_ = false, writing_ = false, dirty_ = false, ending_ = false;
  v1::Frame frame_;
};

}  // namespace parley::rpc
