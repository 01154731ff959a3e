#include "net/testing/tls_client.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdexcept>
#include <sys/time.h>

#include "net/testing/client.h"

namespace parley::net::testing {

TlsClient::TlsClient(std::uint16_t port, const Options& options)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)),
      context_(SSL_CTX_new(TLS_client_method())) {
  const timeval deadline{30, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &deadline, sizeof deadline);
  if (options.receive_buffer)
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &options.receive_buffer, sizeof(int));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    throw std::runtime_error("cannot connect");
  SSL_CTX_set_security_level(context_, 0);
  SSL_CTX_set_min_proto_version(context_, options.version);
  SSL_CTX_set_max_proto_version(context_, options.version);
  SSL_CTX_set_alpn_protos(context_,
                          reinterpret_cast<const unsigned char*>(options.protocols.data()),
                          static_cast<unsigned>(options.protocols.size()));
  ssl_ = SSL_new(context_);
  SSL_set_bio(ssl_, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  BIO_set_mem_eof_return(SSL_get_rbio(ssl_), -1);
  SSL_set_connect_state(ssl_);
  if (options.session) SSL_set_session(ssl_, options.session);
  connected_ = handshake();
}

bool TlsClient::handshake() {
  for (;;) {
    ERR_clear_error();
    const int done = SSL_do_handshake(ssl_);
    const int error = SSL_get_error(ssl_, done);
    pump_out();
    if (done == 1) return true;
    if (error != SSL_ERROR_WANT_READ) {
      const char* reason = ERR_reason_error_string(ERR_peek_last_error());
      why_ = reason ? reason : "the handshake failed";
      return false;
    }
    if (!pump_in()) {
      why_ = "the connection ended";
      return false;
    }
  }
}

bool TlsClient::renegotiate() { return SSL_renegotiate(ssl_) == 1 && handshake(); }

TlsClient::~TlsClient() {
  // Else OpenSSL takes the connection for a broken one, whose session is not to be resumed.
  SSL_set_shutdown(ssl_, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
  SSL_free(ssl_);
  SSL_CTX_free(context_);
}

bool TlsClient::pump_in() {
  char piece[65536];
  const auto size = ::recv(socket_.get(), piece, sizeof piece, 0);
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
    throw std::runtime_error("nothing came for 30 s");
  if (size <= 0) return false;
  BIO_write(SSL_get_rbio(ssl_), piece, static_cast<int>(size));
  return true;
}

void TlsClient::pump_out() {
  char piece[65536];
  for (int size; (size = BIO_read(SSL_get_wbio(ssl_), piece, sizeof piece)) > 0;)
    write_raw({piece, static_cast<std::size_t>(size)});
}

void TlsClient::write_raw(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (written <= 0) throw std::runtime_error("the connection takes no bytes");
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::string TlsClient::encrypt(std::string_view text) {
  ERR_clear_error();
  if (SSL_write(ssl_, text.data(), static_cast<int>(text.size())) <= 0)
    throw std::runtime_error("the text is not encrypted");
  std::string out;
  char piece[65536];
  for (int size; (size = BIO_read(SSL_get_wbio(ssl_), piece, sizeof piece)) > 0;)
    out.append(piece, static_cast<std::size_t>(size));
  return out;
}

void TlsClient::write(std::string_view text) { write_raw(encrypt(text)); }

bool TlsClient::fill() {
  for (;;) {
    char piece[65536];
    ERR_clear_error();
    const int size = SSL_read(ssl_, piece, sizeof piece);
    if (size > 0) {
      buffered_.append(piece, static_cast<std::size_t>(size));
      return true;
    }
    const int error = SSL_get_error(ssl_, size);
    ended_ = error == SSL_ERROR_ZERO_RETURN;
    if (error != SSL_ERROR_WANT_READ || !pump_in()) return false;
  }
}

std::string TlsClient::read(std::size_t size) {
  while (buffered_.size() < size)
    if (!fill()) throw std::runtime_error("the connection ended early");
  auto out = buffered_.substr(0, size);
  buffered_.erase(0, size);
  return out;
}

std::string TlsClient::read_head() {
  std::size_t end;
  while ((end = buffered_.find("\r\n\r\n")) == std::string::npos)
    if (!fill()) throw std::runtime_error("the connection ended within a header");
  return read(end + 4);
}

std::string TlsClient::read_message() {
  const auto head = read(2);
  std::size_t size = static_cast<std::uint8_t>(head[1]);
  if (size >= 126) {
    const auto length = read(size == 126 ? 2 : 8);
    size = 0;
    for (const char c : length) size = size << 8 | static_cast<std::uint8_t>(c);
  }
  return read(size);
}

bool TlsClient::at_end() { return buffered_.empty() && !fill() && ended_; }

void TlsClient::upgrade() {
  write(upgrade_request());
  if (const auto head = read_head(); !head.starts_with("HTTP/1.1 101 "))
    throw std::runtime_error("no upgrade: " + head);
}

std::string TlsClient::protocol() const {
  const unsigned char* chosen = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl_, &chosen, &size);
  return {reinterpret_cast<const char*>(chosen), size};
}

bool TlsClient::resumed() const { return SSL_session_reused(ssl_) == 1; }

std::string TlsClient::certificate_name() const {
  char name[256] = "";
  X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(ssl_)), NID_commonName,
                            name, sizeof name);
  return name;
}

ssl_session_st* TlsClient::take_session() { return SSL_get1_session(ssl_); }

}  // namespace parley::net::testing
