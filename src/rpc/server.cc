#include "rpc/server.h"

#include <boost/asio.hpp>
#include <fmt/format.h>
#include <future>
#include <grpc/support/log.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>
#include <mutex>
#include <unordered_set>

#include "base/gate.h"
#include "base/log.h"
#include "rpc/bytes.h"
#include "rpc/failure.h"
#include "rpc/server_stream.h"

namespace parley::rpc {
namespace asio = boost::asio;
namespace {

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

/// Carries a stream's frames between gRPC's threads and the stream's loop.
class StreamReactor final : public grpc::ServerGenericBidiReactor, public ServerStream::Transport {
 public:
  StreamReactor(Loops& loops, std::size_t loop) : loops_(loops), loop_(loop) {}
  void start(std::shared_ptr<ServerStream> stream) {
    stream_ = std::move(stream);
    StartRead(&read_);
  }

  void read() override { StartRead(&read_); }
  void write(const v1::Frame& frame) override {
    written_ = to_buffer(frame);
    StartWrite(&written_);
  }
  void finish() override { Finish(grpc::Status::OK); }

  void OnReadDone(bool ok) override {
    auto frame = std::make_shared<v1::Frame>();
    if (!ok || !from_buffer(read_, *frame)) return on_loop([](ServerStream& s) { s.end(true); });
    on_loop([frame](ServerStream& s) { s.on_read(*frame); });
  }
  void OnWriteDone(bool ok) override {
    on_loop([ok](ServerStream& s) { s.on_written(ok); });
  }
  void OnCancel() override {
    on_loop([](ServerStream& s) { s.end(true); });
  }
  void OnDone() override { delete this; }

 private:
  template <class F>
  void on_loop(F call) {
    asio::post(loops_.at(loop_), [stream = stream_, call] { call(*stream); });
  }

  Loops& loops_;
  const std::size_t loop_;
  std::shared_ptr<ServerStream> stream_;
  grpc::ByteBuffer read_, written_;
};

/// gRPC's own words go where ours go, and are not for people.
void log_grpc(gpr_log_func_args* args) { log::debug("grpc", "{}", args->message); }

}  // namespace

struct Server::Impl final : grpc::CallbackGenericService {
  Impl(Loops& l, const Router& r, Settings s) : loops(l), router(r), settings(std::move(s)) {
    for (std::size_t i = 0; i < loops.size(); ++i)
      gates.push_back(std::make_unique<Gate>(loops.at(i).get_executor(), "rpc"));
  }

  grpc::ServerGenericBidiReactor* CreateReactor(
      grpc::GenericCallbackServerContext* context) override {
    const auto loop = next_loop++ % loops.size();
    if (context->method() == kStreamPath) {
      auto* reactor = new StreamReactor(loops, loop);
      auto stream = std::make_shared<ServerStream>(loops, loop, router, settings.version,
                                                   settings.process, *reactor);
      {
        const std::lock_guard lock(mutex);
        std::erase_if(streams, [](const auto& old) { return old.expired(); });
        streams.push_back(stream);
      }
      reactor->start(std::move(stream));
      return reactor;
    }
    const auto version = context->client_metadata().find(kVersionHeader);
    if (version == context->client_metadata().end() ||
        std::string_view(version->second.data(), version->second.size()) !=
            std::to_string(settings.version))
      return new RefusedReactor(status_of(
          unavailable(fmt::format("{} speaks version {} between processes, and its caller another: "
                                  "bring both to one release",
                                  settings.process, settings.version))));
    const auto* call = router.find(context->method());
    if (!call)
      return new RefusedReactor(
          {grpc::StatusCode::UNIMPLEMENTED, context->method() + " is not served here"});
    return new CallReactor(loops, loop, *gates[loop], *call);
  }

  Loops& loops;
  const Router& router;
  const Settings settings;
  std::vector<std::unique_ptr<Gate>> gates;
  std::atomic<std::size_t> next_loop{0};
  std::mutex mutex;
  std::vector<std::weak_ptr<ServerStream>> streams;
  std::vector<std::string> addresses;
  std::unique_ptr<grpc::Server> server;
};

Server::Server(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Server::~Server() { stop(); }

Result<std::unique_ptr<Server>> Server::open(Loops& loops, const Router& router,
                                             Settings settings) {
  gpr_set_log_function(log_grpc);
  auto impl = std::make_unique<Impl>(loops, router, std::move(settings));
  const auto& addresses = impl->settings.addresses;
  std::vector<int> ports(addresses.size());
  grpc::ServerBuilder builder;
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.SetMaxReceiveMessageSize(-1);
  for (std::size_t i = 0; i < addresses.size(); ++i)
    builder.AddListeningPort(addresses[i], grpc::InsecureServerCredentials(), &ports[i]);
  builder.RegisterCallbackGenericService(impl.get());
  impl->server = builder.BuildAndStart();
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    if (!impl->server || ports[i] == 0)
      return fail(Code::invalid_argument,
                  fmt::format("{} cannot be listened on for other processes: is it taken?",
                              fmt::join(addresses, ", ")));
    impl->addresses.push_back(
        fmt::format("{}:{}", addresses[i].substr(0, addresses[i].rfind(':')), ports[i]));
  }
  return std::unique_ptr<Server>(new Server(std::move(impl)));
}

const std::vector<std::string>& Server::addresses() const { return impl_->addresses; }

void Server::stop() {
  if (!impl_->server) return;
  {
    const std::lock_guard lock(impl_->mutex);
    for (const auto& weak : impl_->streams)
      if (auto stream = weak.lock())
        asio::post(impl_->loops.at(stream->loop()), [stream] { stream->end(false); });
  }
  impl_->server->Shutdown(std::chrono::system_clock::now() + std::chrono::seconds(1));
  impl_->server.reset();
  for (std::size_t i = 0; i < impl_->gates.size(); ++i) {
    std::promise<void> drained;
    asio::post(impl_->loops.at(i),
               [this, i, &drained] { impl_->gates[i]->close([&] { drained.set_value(); }); });
    drained.get_future().wait();
  }
}

}  // namespace parley::rpc
