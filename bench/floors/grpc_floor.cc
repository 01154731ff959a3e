// One gRPC call for each message, where Parley has a stream: asynchronous, as many under way as
// come, one channel.
//   grpc_floor owner                                    prints `listening on HOST:PORT`, ends by a
//   signal grpc_floor gateway HOST:PORT PID RATE SECONDS TURN  as rpc_bench
#include <boost/asio/signal_set.hpp>
#include <cstdio>
#include <cstdlib>
#include <grpcpp/grpcpp.h>

#include "../rpc/drive.h"
#include "calls.grpc.pb.h"

using namespace parley;

namespace {

class Owner final : public bench::Calls::CallbackService {
  grpc::ServerUnaryReactor* Send(grpc::CallbackServerContext* context,
                                 const rpc::v1::SendRequest* request,
                                 rpc::v1::SendAnswer* answer) override {
    answer->set_token(request->token());
    const auto seq = ++seq_;
    answer->mutable_head()->set_seq(seq);
    answer->mutable_head()->set_message_id(1'700'000'000'000 + seq);
    answer->mutable_head()->set_time_ms(1'700'000'000'000);
    answer->mutable_head()->set_countable(seq);
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
  std::atomic<std::uint64_t> seq_{0};
};

struct Call {
  grpc::ClientContext context;
  rpc::v1::SendRequest request;
  rpc::v1::SendAnswer answer;
};

void serve() {
  Owner owner;
  int port = 0;
  auto server = grpc::ServerBuilder()
                    .AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port)
                    .RegisterService(&owner)
                    .BuildAndStart();
  std::printf("listening on 127.0.0.1:%d\n", port);
  std::fflush(stdout);
  boost::asio::io_context loop;
  boost::asio::signal_set signals(loop, SIGTERM, SIGINT);
  signals.async_wait([](auto, auto) {});
  loop.run();
  server->Shutdown(std::chrono::system_clock::now());
}

void load(const char* address, bench::DriveSettings settings) {
  const auto stub =
      bench::Calls::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()));
  boost::asio::io_context loop;
  const auto work = boost::asio::make_work_guard(loop);
  bench::Drive* drive = nullptr;
  const auto send = [&](std::uint64_t first, std::uint64_t end) {
    for (auto number = first; number < end; ++number) {
      auto* call = new Call;
      call->request.set_token(number + 1);
      call->request.set_conversation("d01234567abcdefgh");
      call->request.set_sender(number % 1'000 + 1);
      call->request.set_device(number % 1'000 + 1);
      call->request.set_origin(number % 1'000 + 1);
      call->request.set_client_message_id("01234567-89ab-cdef-0123-456789abcdef");
      call->request.set_body(std::string(128, 'x'));
      stub->async()->Send(&call->context, &call->request, &call->answer,
                          [call, number, &drive](const grpc::Status& status) {
                            const bool ok = status.ok();
                            delete call;
                            drive->answered(number, ok);
                          });
    }
  };
  bench::Drive one(loop, settings, send, [&loop] { loop.stop(); });
  drive = &one;
  boost::asio::post(loop, [&one] { one.start(); });
  loop.run();
  std::printf("%s\n", one.report().c_str());
  std::fflush(stdout);
  std::_Exit(0);  // a thread of gRPC's may still be on its way out of the last answer
}

}  // namespace

int main(int count, char** words) {
  if (count == 2) return serve(), 0;
  load(words[2],
       {std::stod(words[4]), std::stod(words[5]), std::stod(words[6]), std::stoi(words[3])});
}
