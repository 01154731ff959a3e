#pragma once
#include <functional>
#include <google/protobuf/message_lite.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "api/auth.h"
#include "parley/rpc/v1/link.pb.h"
#include "rpc/method.h"

namespace parley::rpc {

/// A stream that another process opened. On its loop.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual std::size_t loop() const = 0;
  /// The frame that is being collected, written at the end of the turn; of a stream that has
  /// ended, it goes nowhere.
  virtual v1::Frame& add_to_frame() = 0;
  virtual bool is_open() const = 0;
};
using ConnectionPtr = std::shared_ptr<Connection>;

/// What a process answers to others: each server binding adds its part. Filled before the server
/// starts, and outlives it; what it was given runs on loops.
class Router {
 public:
  using Message = std::unique_ptr<google::protobuf::MessageLite>;
  struct Call {
    std::function<Message()> make_request;
    std::function<Awaitable<Result<Message>>(Message)> run;
  };

  /// `handler(Request) -> Awaitable<Result<Answer>>`, on any loop.
  template <class Request, class Answer, class F>
  void on_call(Method<Request, Answer> method, F handler) {
    calls_.emplace(method.path, Call{[] { return std::make_unique<Request>(); },
                                     [handler = std::move(handler)](Message request) {
                                       return run<Request, Answer>(handler, std::move(request));
                                     }});
  }
  /// Takes its part of each frame, on the connection's loop.
  using FrameHandler = std::function<void(const ConnectionPtr&, v1::Frame&)>;
  void on_frame(FrameHandler handler) { frames_.push_back(std::move(handler)); }
  /// The connection has ended: once for each, on its loop.
  using EndHandler = std::function<void(const ConnectionPtr&)>;
  void on_end(EndHandler handler) { ends_.push_back(std::move(handler)); }

  const Call* find(const std::string& path) const {
    const auto at = calls_.find(path);
    return at == calls_.end() ? nullptr : &at->second;
  }
  const std::map<std::string, Call>& calls() const { return calls_; }
  void handle(const ConnectionPtr& connection, v1::Frame& frame) const {
    for (const auto& handler : frames_) handler(connection, frame);
  }
  void ended(const ConnectionPtr& connection) const {
    for (const auto& handler : ends_) handler(connection);
  }

 private:
  template <class Request, class Answer, class F>
  static Awaitable<Result<Message>> run(const F& handler, Message request) {
    PARLEY_CO_TRY(answer, co_await handler(std::move(static_cast<Request&>(*request))));
    co_return std::make_unique<Answer>(std::move(answer));
  }

  std::map<std::string, Call> calls_;
  std::vector<FrameHandler> frames_;
  std::vector<EndHandler> ends_;
};

}  // namespace parley::rpc
