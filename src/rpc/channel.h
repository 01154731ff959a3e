#pragma once
#include <chrono>
#include <memory>
#include <string>

#include "api/auth.h"
#include "rpc/failure.h"
#include "rpc/method.h"
#include "rpc/security.h"

namespace google::protobuf {
class MessageLite;
}
namespace parley::rpc {

inline constexpr std::chrono::milliseconds kCallWithin{10'000};

/// One HTTP/2 connection to another process, made when it is needed and made again when it breaks:
/// single calls. Any thread. Destroyed after `stop`.
class Channel {
 public:
  struct Settings {
    std::string address;  // numeric, with a port
    unsigned version = kVersion;
    std::chrono::milliseconds longest_pause{2'000};  // between two attempts to connect
    SecurityPtr security = {};                       // null: nothing is encrypted
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

  /// Connects, now, however long ago the last attempt failed. Errors: those of `call`, also that
  /// the other side's version is not ours.
  Awaitable<Result<void>> connect(std::chrono::milliseconds within);
  /// Cancels the calls under way and waits until they have ended; then every call is refused. The
  /// loops still run. Blocks.
  void stop();

  const std::string& address() const;
  const SecurityPtr& security() const;

 private:
  Awaitable<Result<void>> call(const char* path, const google::protobuf::MessageLite& request,
                               google::protobuf::MessageLite& answer,
                               std::chrono::milliseconds within, bool wait_for_connection = false);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace parley::rpc
