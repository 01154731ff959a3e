#include "rpc/acceptor.h"

#include <boost/asio.hpp>
#include <fmt/format.h>
#include <future>

#include "base/host_port.h"
#include "base/log.h"
#include "rpc/frame_stream.h"

namespace parley::rpc {
namespace asio = boost::asio;
using asio::ip::tcp;
namespace {
constexpr std::chrono::seconds kRetry{1}, kSpeakWithin{10};
constexpr auto kTuple = asio::as_tuple(asio::use_awaitable);
}  // namespace

Acceptor::Acceptor(Loops& loops, Take on_stream, Take on_call)
    : loops_(loops),
      on_stream_(std::move(on_stream)),
      on_call_(std::move(on_call)),
      gate_(loops.at(0).get_executor(), "rpc acceptor") {}

Result<std::unique_ptr<Acceptor>> Acceptor::open(Loops& loops,
                                                 const std::vector<std::string>& addresses,
                                                 Take on_stream, Take on_call) {
  std::unique_ptr<Acceptor> out(new Acceptor(loops, std::move(on_stream), std::move(on_call)));
  for (const auto& address : addresses) {
    PARLEY_TRY(at, parse_address(address));
    const tcp::endpoint endpoint(asio::ip::make_address(at.host), at.port);
    auto acceptor = std::make_unique<tcp::acceptor>(loops.at(0));
    boost::system::error_code failed;
    acceptor->open(endpoint.protocol(), failed);
    if (!failed) acceptor->set_option(asio::socket_base::reuse_address(true), failed);
    if (!failed) acceptor->bind(endpoint, failed);
    if (!failed) acceptor->listen(asio::socket_base::max_listen_connections, failed);
    if (failed)
      return fail(Code::invalid_argument,
                  fmt::format("{} cannot be listened on for other processes ({}): is it taken?",
                              address, failed.message()));
    out->addresses_.push_back(fmt::format("{}:{}", address.substr(0, address.rfind(':')),
                                          acceptor->local_endpoint().port()));
    out->acceptors_.push_back(std::move(acceptor));
  }
  asio::post(loops.at(0), [acceptor = out.get()] {
    for (auto& from : acceptor->acceptors_)
      acceptor->gate_.spawn([acceptor, &from] { return acceptor->accept(*from); });
  });
  return out;
}

Awaitable<void> Acceptor::accept(tcp::acceptor& from) {
  while (!stopped_) {
    auto [failed, accepted] = co_await from.async_accept(kTuple);
    if (stopped_) break;
    if (failed) {
      log::warn("rpc", "accept failed, trying again in {} s: {}", kRetry.count(), failed.message());
      asio::steady_timer retry(from.get_executor(), kRetry);
      co_await retry.async_wait(kTuple);
      continue;
    }
    auto socket = std::make_shared<tcp::socket>(std::move(accepted));
    gate_.spawn([this, socket] { return sort(*socket); });
  }
}

Awaitable<void> Acceptor::sort(tcp::socket& socket) {
  silent_.insert(&socket);
  asio::steady_timer late(socket.get_executor(), kSpeakWithin);
  late.async_wait([this, &socket](boost::system::error_code cancelled) {
    if (!cancelled && silent_.contains(&socket)) socket.close();
  });
  const auto [failed] = co_await socket.async_wait(tcp::socket::wait_read, kTuple);
  silent_.erase(&socket);
  late.cancel();
  if (failed || stopped_) co_return;
  char first = 0;
  boost::system::error_code gone;
  if (socket.receive(asio::buffer(&first, 1), tcp::socket::message_peek, gone) != 1) co_return;
  const bool stream = first == kStreamGreeting.front() || first == kTlsStreamGreeting.front();
  (stream ? on_stream_ : on_call_)(std::move(socket));
}

void Acceptor::stop() {
  std::promise<void> drained;
  asio::post(loops_.at(0), [this, &drained] {
    stopped_ = true;
    for (auto& acceptor : acceptors_) acceptor->close();
    for (auto* socket : silent_) socket->close();
    gate_.close([&drained] { drained.set_value(); });
  });
  drained.get_future().wait();
}

}  // namespace parley::rpc
