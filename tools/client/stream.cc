#include "client/stream.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <fmt/format.h>

namespace parley::client {
namespace asio = boost::asio;
namespace ssl = asio::ssl;
namespace {
constexpr auto kUse = asio::as_tuple(asio::use_awaitable);
}

Awaitable<Stream::Trouble> Stream::connect(const Endpoint& server, std::chrono::seconds patience) {
  asio::ip::tcp::resolver resolver(get_executor());
  auto [resolve_ec, addresses] = co_await resolver.async_resolve(server.host, server.port, kUse);
  if (resolve_ec) co_return Trouble{resolve_ec};
  tcp_.expires_after(patience);
  if (auto [ec, at] = co_await tcp_.async_connect(addresses, kUse); ec) co_return Trouble{ec};
  error_code failed;
  tcp_.socket().set_option(asio::ip::tcp::no_delay(true), failed);
  if (!server.tls) co_return Trouble{};

  context_.emplace(ssl::context::tls_client);
  SSL_CTX_set_min_proto_version(context_->native_handle(), TLS1_2_VERSION);
  // The system's roots, or the file instead of them.
  if (server.ca.empty())
    context_->set_default_verify_paths(failed);
  else
    context_->load_verify_file(server.ca, failed);
  if (failed)
    co_return Trouble{{},
                      fmt::format("--ca {}: no certificates in PEM format can be read there: {}",
                                  server.ca, failed.message())};
  tls_.emplace(tcp_, *context_);
  auto* handle = tls_->native_handle();
  error_code no_address;
  asio::ip::make_address(server.host, no_address);
  tls_->set_verify_mode(ssl::verify_peer);
  tls_->set_verify_callback(ssl::host_name_verification(server.host), failed);
  if (no_address) SSL_set_tlsext_host_name(handle, server.host.c_str());
  auto [ec] = co_await tls_->async_handshake(ssl::stream_base::client, kUse);
  if (!ec) co_return Trouble{};
  if (const auto why = SSL_get_verify_result(handle); why != X509_V_OK)
    co_return Trouble{
        {},
        fmt::format("the certificate of {} cannot be trusted ({}): where it is your own, give its "
                    "file by --ca",
                    server.text(), X509_verify_cert_error_string(why))};
  if (ec.category() == asio::error::get_ssl_category() &&
      ec.message().find("verify") != std::string::npos)
    co_return Trouble{{},
                      fmt::format("the certificate that was shown is not for {}: check the address",
                                  server.host)};
  co_return Trouble{ec};
}

}  // namespace parley::client
