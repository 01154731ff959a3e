// A gateway and a message process that do nothing but talk to each other, as those of a cluster do:
//   rpc_bench owner                                    prints `listening on HOST:PORT`, ends by a
//   signal rpc_bench gateway HOST:PORT PID RATE SECONDS TURN  sends 128-byte texts through the
//   router, as JSON
//   rpc_bench alone RATE SECONDS TURN                  what the load itself takes: nothing is sent
// RATE 0: one after the other. PID: of the owner, whose CPU counts too. TURN: see drive.h.
#include <boost/asio.hpp>
#include <cstdlib>
#include <fmt/format.h>
#include <future>

#include "base/check.h"
#include "drive.h"
#include "rpc/message.h"
#include "rpc/message_router.h"
#include "rpc/server.h"
#include "rpc/testing/fake_messages.h"

namespace parley {
namespace {

constexpr std::uint64_t kTalks = 1'000;

/// Stores nothing and answers at once.
class AtOnce final : public rpc::testing::FakeMessages {
 public:
  using FakeMessages::FakeMessages;
  void send(std::vector<SendRequest> batch, MessageListener& listener) override {
    std::vector<SendAnswer> answers;
    answers.reserve(batch.size());
    for (const auto& request : batch)
      answers.push_back({request.token, Head{Seq(++seq_), MessageId(1'700'000'000'000 + seq_),
                                             TimeMs(1'700'000'000'000), seq_}});
    listener.on_sent(std::move(answers));
  }

 private:
  std::uint64_t seq_ = 0;
};

int owner() {
  Loops loops(1, 1);
  rpc::Router router;
  AtOnce messages(loops);
  rpc::serve(router, loops, messages);
  auto server = rpc::Server::open(loops, router, {{"127.0.0.1:0"}, "the owner"});
  PARLEY_CHECK(server, server ? "" : server.error().message);
  boost::asio::io_context main;
  boost::asio::signal_set signals(main, SIGTERM, SIGINT);
  signals.async_wait([](auto, auto) {});
  loops.start();
  fmt::print("listening on {}\n", (*server)->addresses().front());
  std::fflush(stdout);
  main.run();
  (*server)->stop();
  loops.stop();
  return 0;
}

class Gateway final : public MessageListener {
 public:
  Gateway(const std::string& address, bench::DriveSettings settings)
      : loops_(1, 1),
        channel_({.address = address}),
        link_(loops_, 0, channel_, {.process = "the gateway"}),
        client_(link_),
        router_(loops_, {{"owner", &client_}}),
        drive_(
            loops_.at(0), settings, [this](auto first, auto end) { send(first, end); },
            [this] { done_.set_value(); }) {
    router_.set_owners(std::vector<std::string>(kShards, "owner"));
    for (std::uint64_t i = 1; i <= kTalks; ++i)
      talks_.push_back(ConversationId::direct(UserId(i), UserId(i + 1)));
  }
  void run() {
    loops_.start();
    link_.start();
    while (link_.missing()) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    boost::asio::post(loops_.at(0), [this] { drive_.start(); });
    done_.get_future().wait();
    fmt::print("{}\n", drive_.report());
    link_.stop();
    channel_.stop();
    loops_.stop();
  }
  void on_sent(std::vector<SendAnswer> answers) override {
    for (const auto& answer : answers) drive_.answered(answer.token - 1, answer.sent.has_value());
  }
  void on_marked(std::vector<MarkAnswer> /*answers*/) override {}

 private:
  void send(std::uint64_t first, std::uint64_t end) {
    std::vector<SendRequest> batch;
    batch.reserve(end - first);
    for (auto number = first; number < end; ++number) {
      const UserId sender(number % kTalks + 1);
      batch.push_back({number + 1, talks_[number % kTalks], sender, DeviceId(sender.value),
                       Origin(sender.value), "01234567-89ab-cdef-0123-456789abcdef",
                       std::string(128, 'x')});
    }
    router_.send(std::move(batch), *this);
  }

  Loops loops_;
  rpc::Channel channel_;
  rpc::Link link_;
  rpc::MessageClient client_;
  rpc::MessageRouter router_;
  std::vector<ConversationId> talks_;
  std::promise<void> done_;
  bench::Drive drive_;
};

void alone(bench::DriveSettings settings) {
  boost::asio::io_context loop;
  bench::Drive* drive = nullptr;
  const auto answer = [&drive](std::uint64_t first, std::uint64_t end) {
    for (auto number = first; number < end; ++number) drive->answered(number, true);
  };
  bench::Drive one(loop, settings, answer, [] {});
  drive = &one;
  boost::asio::post(loop, [&one] { one.start(); });
  loop.run();
  fmt::print("{}\n", one.report());
}

}  // namespace
}  // namespace parley

int main(int count, char** words) {
  const std::vector<std::string> args(words + 1, words + count);
  if (args.size() == 1 && args[0] == "owner") return parley::owner();
  if (args.size() == 4 && args[0] == "alone") {
    parley::alone(
        {.rate = std::stod(args[1]), .seconds = std::stod(args[2]), .turn_us = std::stod(args[3])});
    return 0;
  }
  if (args.size() != 6 || args[0] != "gateway") {
    fmt::print(stderr,
               "usage: rpc_bench owner | gateway HOST:PORT PID RATE SECONDS TURN | alone RATE "
               "SECONDS TURN\n");
    return 2;
  }
  parley::Gateway(args[1], {.rate = std::stod(args[3]),
                            .seconds = std::stod(args[4]),
                            .turn_us = std::stod(args[5]),
                            .owner = std::stoi(args[2])})
      .run();
}
