#include "rpc/channel.h"

#include <boost/asio.hpp>
#include <condition_variable>
#include <fmt/format.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <mutex>
#include <set>

#include "parley/rpc/v1/common.pb.h"
#include "parley/rpc/v1/link.pb.h"
#include "rpc/bytes.h"

namespace parley::rpc {
namespace asio = boost::asio;
namespace {

grpc::ChannelArguments arguments(const Channel::Settings& settings) {
  grpc::ChannelArguments out;
  // Its own connection: two channels to one address must not share the fate of one.
  out.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  out.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100);
  out.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 1'000);  // the time that one attempt has
  out.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, static_cast<int>(settings.longest_pause.count()));
  out.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  out.SetMaxReceiveMessageSize(-1);
  return out;
}

Error error_of(const grpc::Status& status, const std::string& address) {
  v1::Failure failure;
  if (!status.error_details().empty() && failure.ParseFromString(status.error_details()))
    return from_proto(failure);
  switch (status.error_code()) {
    case grpc::StatusCode::DEADLINE_EXCEEDED:
      return timed_out("the service at " + address + " did not answer in time: try again");
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::CANCELLED:
      return unavailable("the service at " + address + " cannot be reached: try again");
    default:
      return {Code::internal,
              fmt::format("the service at {} failed: {} ({})", address, status.error_message(),
                          static_cast<int>(status.error_code())),
              {},
              0};
  }
}

struct Call {
  grpc::ClientContext context;
  grpc::ByteBuffer request, answer;
  grpc::Status status;
};

}  // namespace

struct Channel::Impl {
  explicit Impl(Settings s)
      : settings(std::move(s)),
        channel(grpc::CreateCustomChannel(
            settings.address,
            settings.security ? settings.security->of_caller() : grpc::InsecureChannelCredentials(),
            arguments(settings))),
        stub(channel) {}

  /// False once the channel stops.
  bool enter(grpc::ClientContext& context) {
    context.AddMetadata(kVersionHeader, std::to_string(settings.version));
    const std::lock_guard lock(mutex);
    if (stopped) return false;
    open.insert(&context);
    ++under_way;
    return true;
  }
  void leave(grpc::ClientContext& context) {
    const std::lock_guard lock(mutex);
    open.erase(&context);
  }
  /// Nothing of a call that has left is in gRPC's thread any more.
  void left() {
    const std::lock_guard lock(mutex);
    if (--under_way == 0) none_under_way.notify_all();
  }

  const Settings settings;
  const std::shared_ptr<grpc::Channel> channel;
  grpc::GenericStub stub;
  std::mutex mutex;
  std::condition_variable none_under_way;
  std::set<grpc::ClientContext*> open;
  std::size_t under_way = 0;
  bool stopped = false;
};

Channel::Channel(Settings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}

Channel::~Channel() { stop(); }

const std::string& Channel::address() const { return impl_->settings.address; }

const SecurityPtr& Channel::security() const { return impl_->settings.security; }

Awaitable<Result<void>> Channel::call(const char* path,
                                      const google::protobuf::MessageLite& request,
                                      google::protobuf::MessageLite& answer,
                                      std::chrono::milliseconds within, bool wait_for_connection) {
  const auto call = std::make_shared<Call>();
  call->request = to_buffer(request);
  call->context.set_deadline(std::chrono::system_clock::now() + within);
  call->context.set_wait_for_ready(wait_for_connection);
  if (!impl_->enter(call->context))
    co_return std::unexpected(unavailable("the server is stopping"));
  co_await asio::async_initiate<decltype(asio::use_awaitable), void()>(
      [this, call, path](auto handler) {
        using Handler = decltype(handler);
        auto kept = std::make_shared<Handler>(std::move(handler));
        impl_->stub.UnaryCall(&call->context, path, {}, &call->request, &call->answer,
                              [this, held = call, kept](grpc::Status status) mutable {
                                held->status = std::move(status);
                                impl_->leave(held->context);
                                const auto executor = asio::get_associated_executor(*kept);
                                asio::post(executor,
                                           [kept = std::move(kept)] { std::move (*kept)(); });
                                // A context holds the channel, and the last channel of a process
                                // waits for this thread when it goes: here that must not be.
                                held.reset();
                                impl_->left();
                              });
      },
      asio::use_awaitable);
  if (!call->status.ok()) co_return std::unexpected(error_of(call->status, address()));
  if (!from_buffer(call->answer, answer))
    co_return fail(Code::internal, "the service at " + address() + " answered garbage");
  co_return Result<void>{};
}

Awaitable<Result<void>> Channel::connect(std::chrono::milliseconds within) {
  grpc::experimental::ChannelResetConnectionBackoff(impl_->channel.get());
  v1::Hello hello, answer;
  hello.set_version(impl_->settings.version);
  co_return co_await call(kConnect.path, hello, answer, within, true);
}

void Channel::stop() {
  std::unique_lock lock(impl_->mutex);
  impl_->stopped = true;
  for (auto* context : impl_->open) context->TryCancel();
  impl_->none_under_way.wait(lock, [this] { return impl_->under_way == 0; });
}

}  // namespace parley::rpc
