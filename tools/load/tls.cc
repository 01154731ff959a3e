#include "tls.h"

#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdexcept>

namespace parley::load {

TlsClient::TlsClient(std::string host, const std::string& ca)
    : host_(std::move(host)), context_(SSL_CTX_new(TLS_client_method())) {
  SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
  SSL_CTX_set_verify(context_, SSL_VERIFY_PEER, nullptr);
  // A server may end without a word: what is whole is told by the protocol above.
  SSL_CTX_set_options(context_, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_mode(context_, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  const int read = ca.empty() ? SSL_CTX_set_default_verify_paths(context_)
                              : SSL_CTX_load_verify_file(context_, ca.c_str());
  if (read == 1) return;
  SSL_CTX_free(context_);
  throw std::runtime_error(fmt::format("--ca {}: no certificates can be read there", ca));
}

TlsClient::~TlsClient() { SSL_CTX_free(context_); }

std::string TlsClient::exchange(int fd, std::string_view request) const {
  TlsLink link(*this, fd);
  if (link.send(request) != static_cast<ssize_t>(request.size()))
    throw std::runtime_error(fmt::format("{}: {}", host_, link.why()));
  std::string answer;
  std::array<char, 16384> buffer;
  for (ssize_t n = 0; (n = link.receive(buffer)) > 0;)
    answer.append(buffer.data(), static_cast<std::size_t>(n));
  return answer;
}

TlsLink::TlsLink(const TlsClient& client, int fd) : ssl_(SSL_new(client.context_)) {
  const auto& host = client.host_;
  std::array<unsigned char, 16> address;
  const bool numeric = inet_pton(AF_INET, host.c_str(), address.data()) == 1;
  bool set = SSL_set_fd(ssl_, fd) == 1;
  if (numeric)
    set = set && X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl_), host.c_str()) == 1;
  else
    set = set && SSL_set1_host(ssl_, host.c_str()) == 1 &&
          SSL_set_tlsext_host_name(ssl_, host.c_str()) == 1;
  if (!set) throw std::runtime_error("OpenSSL refuses its settings");
  SSL_set_connect_state(ssl_);
}

TlsLink::~TlsLink() { SSL_free(ssl_); }

ssize_t TlsLink::send(std::string_view text) {
  ERR_clear_error();
  std::size_t sent = 0;
  const int result = SSL_write_ex(ssl_, text.data(), text.size(), &sent);
  waits_to_read_ = false;
  if (result == 1) return static_cast<ssize_t>(sent);
  waits_to_read_ = SSL_get_error(ssl_, result) == SSL_ERROR_WANT_READ;
  return failed(result);
}

ssize_t TlsLink::receive(std::span<char> into) {
  std::size_t all = 0;
  do {
    ERR_clear_error();
    std::size_t got = 0;
    const int result = SSL_read_ex(ssl_, into.data() + all, into.size() - all, &got);
    if (result != 1) return all > 0 ? static_cast<ssize_t>(all) : failed(result);
    all += got;
    // So that nothing of a record stays behind that the socket would not announce.
  } while (into.size() - all >= SSL3_RT_MAX_PLAIN_LENGTH);
  return static_cast<ssize_t>(all);
}

ssize_t TlsLink::failed(int result) {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      errno = EAGAIN;
      return -1;
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    case SSL_ERROR_SSL:
      error_ = ERR_peek_last_error();
      errno = EPROTO;
      return -1;
    default:
      if (errno == 0 || errno == EAGAIN) errno = ECONNRESET;
      return -1;
  }
}

std::string TlsLink::why() const {
  if (const auto verified = SSL_get_verify_result(ssl_); verified != X509_V_OK)
    return fmt::format("the certificate cannot be trusted: {}",
                       X509_verify_cert_error_string(verified));
  const char* reason = error_ ? ERR_reason_error_string(error_) : nullptr;
  return reason ? reason : "the connection broke";
}

}  // namespace parley::load
