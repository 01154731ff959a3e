#include "rpc/server.h"

#include <boost/asio.hpp>
#include <condition_variable>
#include <fmt/format.h>
#include <future>
#include <grpc/support/log.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <mutex>

#include "base/gate.h"
#include "base/log.h"
#include "rpc/acceptor.h"
#include "rpc/bytes.h"
#include "rpc/failure.h"
#include "rpc/server_stream.h"

namespace parley::rpc {
namespace asio = boost::asio;
using asio::ip::tcp;
namespace {

constexpr std::chrono::seconds kEndWithin{1};

grpc::Status status_of(const Error& error) {
  v1::Failure failure;
  to_proto(error, failure);
  return {grpc::StatusCode::FAILED_PRECONDITION, std::string(describe(error.code).name),
          failure.SerializeAsString()};
}

/// A call with one answer: read, run on a loop, answer.
class CallReactor final : public grpc::ServerGenericBidiReactor {
 public:
  CallReactor(Loops& loops, std::size_t loop, Gate& gate, const Router::Call& call)
      : loops_(loops), loop_(loop), gate_(gate), call_(call) {
    StartRead(&request_);
  }
  void OnReadDone(bool ok) override {
    auto request = call_.make_request();
    if (!ok || !from_buffer(request_, *request))
      return Finish({grpc::StatusCode::INVALID_ARGUMENT, "not a message of this call"});
    asio::post(loops_.at(loop_), [this, request = std::move(request)]() mutable {
      auto shared = std::make_shared<Router::Message>(std::move(request));
      gate_.spawn([this, shared] { return run(std::move(*shared)); });
    });
  }
  void OnDone() override { delete this; }

 private:
  Awaitable<void> run(Router::Message request) {
    auto answer = co_await call_.run(std::move(request));
    if (!answer) {
      Finish(status_of(answer.error()));
    } else {
      answer_ = to_buffer(**answer);
      StartWriteAndFinish(&answer_, {}, grpc::Status::OK);
    }
  }

  Loops& loops_;
  const std::size_t loop_;
  Gate& gate_;
  const Router::Call& call_;
  grpc::ByteBuffer request_, answer_;
};

class RefusedReactor final : public grpc::ServerGenericBidiReactor {
 public:
  explicit RefusedReactor(grpc::Status status) { Finish(std::move(status)); }
  void OnDone() override { delete this; }
};

/// gRPC's own words go where ours go, and are not for people.
void log_grpc(gpr_log_func_args* args) { log::debug("grpc", "{}", args->message); }

}  // namespace

struct Server::Impl final : grpc::CallbackGenericService {
  Impl(Loops& l, const Router& r, Settings s) : loops(l), router(r), settings(std::move(s)) {
    for (std::size_t i = 0; i < loops.size(); ++i)
      gates.push_back(std::make_unique<Gate>(loops.at(i).get_executor(), "rpc"));
    own.on_call(kConnect, [this](v1::Hello) -> Awaitable<Result<v1::Hello>> {
      v1::Hello answer;
      answer.set_version(settings.version);
      answer.set_process(settings.process);
      co_return answer;
    });
  }

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    const auto version = context->client_metadata().find(kVersionHeader);
    if (version == context->client_metadata().end() ||
        std::string_view(version->second.data(), version->second.size()) !=
            std::to_string(settings.version))
      return new RefusedReactor(status_of(
          unavailable(fmt::format("{} speaks version {} between processes, and its caller another: "
                                  "bring both to one release",
                                  settings.process, settings.version))));
    const auto* call = router.find(context->method());
    if (!call) call = own.find(context->method());
    if (!call)
      return new RefusedReactor(
          {grpc::StatusCode::UNIMPLEMENTED, context->method() + " is not served here"});
    const auto loop = next_loop++ % loops.size();
    return new CallReactor(loops, loop, *gates[loop], *call);
  }

  void take_stream(tcp::socket socket) {
    const auto loop = next_loop++ % loops.size();
    auto stream = std::make_shared<ServerStream>(loops, loop, router, settings.version,
                                                 settings.process, [this] { stream_is_over(); });
    {
      const std::lock_guard lock(mutex);
      std::erase_if(streams, [](const auto& old) { return old.expired(); });
      streams.push_back(stream);
      ++open_streams;
    }
    const auto protocol = socket.local_endpoint().protocol();
    asio::post(loops.at(loop), [this, loop, stream, protocol, fd = socket.release()] {
      stream->start(tcp::socket(loops.at(loop), protocol, fd), settings.security);
    });
  }
  void take_call(tcp::socket socket) {
    socket.native_non_blocking(true);
    grpc::experimental::ExternalConnectionAcceptor::NewConnectionParameters connection;
    connection.fd = socket.release();
    calls->HandleNewConnection(&connection);
  }
  void stream_is_over() {
    const std::lock_guard lock(mutex);
    if (--open_streams == 0) no_streams.notify_all();
  }
  void end_streams(bool now) {
    for (const auto& weak : streams)
      if (auto stream = weak.lock())
        asio::post(loops.at(stream->loop()), [stream, now] { stream->end(now); });
  }

  Loops& loops;
  const Router& router;
  const Settings settings;
  Router own;  // what every server answers
  std::vector<std::unique_ptr<Gate>> gates;
  std::atomic<std::size_t> next_loop{0};
  std::mutex mutex;
  std::condition_variable no_streams;
  std::vector<std::weak_ptr<ServerStream>> streams;
  std::size_t open_streams = 0;
  std::unique_ptr<grpc::experimental::ExternalConnectionAcceptor> calls;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<Acceptor> acceptor;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() { stop(); }

Result<std::unique_ptr<Server>> Server::open(Loops& loops, const Router& router,
                                             Settings settings) {
  gpr_set_log_function(log_grpc);
  auto impl = std::make_unique<Impl>(loops, router, std::move(settings));
  grpc::ServerBuilder builder;
  builder.SetMaxReceiveMessageSize(-1);
  impl->calls = builder.experimental().AddExternalConnectionAcceptor(
      grpc::ServerBuilder::experimental_type::ExternalConnectionType::FROM_FD,
      impl->settings.security ? impl->settings.security->of_called()
                              : grpc::InsecureServerCredentials());
  builder.RegisterCallbackGenericService(impl.get());
  impl->server = builder.BuildAndStart();
  if (!impl->server) return fail(Code::internal, "gRPC does not start");
  PARLEY_TRY(acceptor,
             Acceptor::open(
                 loops, impl->settings.addresses,
                 [impl = impl.get()](tcp::socket socket) { impl->take_stream(std::move(socket)); },
                 [impl = impl.get()](tcp::socket socket) { impl->take_call(std::move(socket)); }));
  impl->acceptor = std::move(acceptor);
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

const std::vector<std::string>& Server::addresses() const { return impl_->acceptor->addresses(); }

void Server::stop() {
  if (!impl_->server) return;
  impl_->acceptor->stop();
  {
    std::unique_lock lock(impl_->mutex);
    const auto none = [this] { return impl_->open_streams == 0; };
    impl_->end_streams(false);
    if (!impl_->no_streams.wait_for(lock, kEndWithin, none)) {
      impl_->end_streams(true);
      impl_->no_streams.wait(lock, none);
    }
  }
  impl_->server->Shutdown(std::chrono::system_clock::now() + kEndWithin);
  impl_->server.reset();
  for (std::size_t i = 0; i < impl_->gates.size(); ++i) {
    std::promise<void> drained;
    asio::post(impl_->loops.at(i),
               [this, i, &drained] { impl_->gates[i]->close([&] { drained.set_value(); }); });
    drained.get_future().wait();
  }
}

}  // namespace parley::rpc
