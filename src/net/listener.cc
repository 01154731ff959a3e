#include "net/listener.h"

#include <boost/asio.hpp>
#include <cerrno>
#include <chrono>
#include <fmt/format.h>
#include <netinet/tcp.h>

#include "base/log.h"
#include "net/edge.h"

namespace parley::net {
namespace asio = boost::asio;
namespace {
constexpr int kAcceptedPerTurn = 256;
constexpr int kBacklog = 4096;
constexpr std::chrono::seconds kRetry{1};
}  // namespace

Listener::Listener(asio::io_context& io, std::vector<Edge*> edges)
    : acceptor_(io), retry_(io), edges_(std::move(edges)) {}

Listener::~Listener() = default;

Result<std::unique_ptr<Listener>> Listener::open(asio::io_context& io, const std::string& address,
                                                 std::uint16_t port, std::vector<Edge*> edges) {
  boost::system::error_code failed;
  const auto ip = asio::ip::make_address(address, failed);
  if (failed)
    return fail(Code::invalid_argument,
                fmt::format("'{}' is not an IP address to listen on", address), "address");
  const asio::ip::tcp::endpoint endpoint(ip, port);
  std::unique_ptr<Listener> listener(new Listener(io, std::move(edges)));
  auto& acceptor = listener->acceptor_;
  acceptor.open(endpoint.protocol(), failed);
  if (!failed) acceptor.set_option(asio::socket_base::reuse_address(true), failed);
  // Accepted sockets inherit it.
  if (!failed) acceptor.set_option(asio::ip::tcp::no_delay(true), failed);
  if (!failed) acceptor.non_blocking(true, failed);
  if (!failed) acceptor.bind(endpoint, failed);
  if (!failed) acceptor.listen(kBacklog, failed);
  if (failed == asio::error::address_in_use)
    return fail(Code::unavailable,
                fmt::format("port {} of {} is in use: stop the program that holds it, or choose "
                            "another port",
                            port, address));
  if (failed)
    return fail(Code::unavailable,
                fmt::format("cannot listen on {} port {}: {}", address, port, failed.message()));
  listener->wait();
  return listener;
}

std::uint16_t Listener::port() const { return acceptor_.local_endpoint().port(); }

void Listener::stop() {
  boost::system::error_code ignored;  // closing a listening socket leaves nothing to do on failure
  acceptor_.close(ignored);
  retry_.cancel();
}

void Listener::wait() {
  acceptor_.async_wait(asio::socket_base::wait_read,
                       [this, alive = std::weak_ptr(alive_)](boost::system::error_code failed) {
                         if (!failed && !alive.expired() && acceptor_.is_open()) accept();
                       });
}

void Listener::accept() {
  std::vector<std::vector<UniqueFd>> batches(edges_.size());
  int failure = 0;
  for (int i = 0; i < kAcceptedPerTurn; ++i) {
    const int fd =
        ::accept4(acceptor_.native_handle(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd < 0) {
      if (errno == ECONNABORTED || errno == EINTR) continue;
      failure = errno;
      break;
    }
    batches[next_++ % edges_.size()].emplace_back(fd);
  }
  for (std::size_t i = 0; i < batches.size(); ++i)
    if (!batches[i].empty()) edges_[i]->adopt(std::move(batches[i]));

  if (failure == 0 || failure == EAGAIN || failure == EWOULDBLOCK) return wait();
  log::warn("listener", "accept failed, trying again in {} s: {}", kRetry.count(),
            boost::system::error_code(failure, boost::system::system_category()).message());
  retry_.expires_after(kRetry);
  retry_.async_wait([this, alive = std::weak_ptr(alive_)](boost::system::error_code cancelled) {
    if (!cancelled && !alive.expired() && acceptor_.is_open()) wait();
  });
}

}  // namespace parley::net
