#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "api/auth.h"
#include "rpc/failure.h"
#include "rpc/method.h"

namespace google::protobuf {
class MessageLite;
}
namespace parley::rpc {

inline constexpr std::chrono::milliseconds kCallWithin{10'000};

/// One HTTP/2 connection to another process, made when it is needed and made again when it breaks:
/// single calls, and the stream on which `Link` stands. Any thread. Destroyed after `stop`.
class Channel {
 public:
  struct Settings {
    std::string address;  // numeric, with a port
    unsigned version = kVersion;
    std::chrono::milliseconds longest_pause{2'000};  // between two attempts to connect
  };
  explicit Channel(Settings settings);
  ~Channel();

  /// Resumes on the caller's executor. Errors: what the other side answered; `timed_out` after
  /// `within`; `unavailable` when it cannot be reached (at once, if the last attempt to connect
  /// failed) or the connection broke. Of the last two nobody knows whether the call took effect.
  template <class Request, class Answer>
  Awaitable<Result<Answer>> call(Method<Request, Answer> method, Request request,
                                 std::chrono::milliseconds within = kCallWithin) {
    Answer answer;
    PARLEY_CO_TRY_VOID(co_await call(method.path, request, answer, within));
    co_return answer;
  }

  /// What becomes of a stream. On threads of gRPC's, one after the other.
  struct StreamEvents {
    std::function<void(v1::Frame)> on_frame;
    std::function<void()> on_written;
    std::function<void()> on_broken;          // nothing more comes: release it
    std::function<void(Error why)> on_ended;  // the last, after `release`
  };
  class Stream {
   public:
    virtual ~Stream() = default;
    /// One at a time: the next after on_written.
    virtual void write(const v1::Frame& frame) = 0;
    virtual void cancel() = 0;
    /// It must not be touched after this.
    virtual void release() = 0;
  };
  /// Null: the channel stops.
  Stream* open(StreamEvents events);

  /// The other side has come (back): does not wait before the next attempt to connect. Any thread.
  void hurry();
  /// Cancels the calls under way and waits until they have ended; then every call is refused. The
  /// loops still run. Blocks.
  void stop();

  const std::string& address() const;

 private:
  Awaitable<Result<void>> call(const char* path, const google::protobuf::MessageLite& request,
                               google::protobuf::MessageLite& answer,
                               std::chrono::milliseconds within);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::rpc
