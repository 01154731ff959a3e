#include "net/tls.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "base/check.h"

namespace parley::net {
namespace {

constexpr char kTls12Ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr std::string_view kProtocol{"\x08http/1.1"};
constexpr unsigned char kSessionContext[] = "parley";

using File = std::unique_ptr<std::FILE, decltype([](std::FILE* f) { std::fclose(f); })>;
using Context = std::unique_ptr<SSL_CTX, decltype([](SSL_CTX* c) { SSL_CTX_free(c); })>;
using Key = std::unique_ptr<EVP_PKEY, decltype([](EVP_PKEY* k) { EVP_PKEY_free(k); })>;

std::unexpected<Error> refuse(std::string_view setting, std::string_view file,
                              std::string_view why) {
  return fail(Code::invalid_argument, fmt::format("{} = \"{}\": {}", setting, file, why));
}

Result<File> open_file(std::string_view setting, const std::string& path) {
  File file(std::fopen(path.c_str(), "re"));
  if (!file) return refuse(setting, path, std::strerror(errno));
  return file;
}

/// Nobody is asked: a server starts by itself.
int no_passphrase(char*, int, int, void*) { return 0; }

int choose_protocol(SSL*, const unsigned char** out, unsigned char* out_size,
                    const unsigned char* in, unsigned in_size, void*) {
  unsigned char* chosen = nullptr;
  if (SSL_select_next_proto(
          &chosen, out_size, reinterpret_cast<const unsigned char*>(kProtocol.data()),
          static_cast<unsigned>(kProtocol.size()), in, in_size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *out = chosen;
  return SSL_TLSEXT_ERR_OK;
}

std::string day_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return "an unknown day";
  return fmt::format("{:04}-{:02}-{:02}", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday);
}

}  // namespace

Tls::Tls(std::string certificate_file, std::string key_file, const Clock& clock)
    : certificate_file_(std::move(certificate_file)),
      key_file_(std::move(key_file)),
      clock_(clock) {
  PARLEY_CHECK(RAND_bytes(ticket_keys_.data(), static_cast<int>(ticket_keys_.size())) == 1,
               "there is no source of random numbers");
}

Tls::~Tls() { SSL_CTX_free(context_); }

Result<std::shared_ptr<Tls>> Tls::open(std::string certificate_file, std::string key_file,
                                       const Clock& clock) {
  std::shared_ptr<Tls> tls(new Tls(std::move(certificate_file), std::move(key_file), clock));
  PARLEY_TRY_VOID(tls->reload());
  return tls;
}

Result<void> Tls::reload() {
  PARLEY_TRY(fresh, load());
  std::lock_guard lock(mutex_);
  SSL_CTX_free(std::exchange(context_, fresh));
  return {};
}

Result<ssl_ctx_st*> Tls::load() const {
  constexpr std::string_view kCertificate = "server.tls_certificate", kKey = "server.tls_key";
  ERR_clear_error();
  if (auto file = open_file(kCertificate, certificate_file_); !file)
    return std::unexpected(file.error());
  PARLEY_TRY(key_file, open_file(kKey, key_file_));
  Context context(SSL_CTX_new(TLS_server_method()));
  PARLEY_CHECK(context, "OpenSSL does not start");
  auto* c = context.get();
  SSL_CTX_set_default_passwd_cb(c, no_passphrase);
  if (SSL_CTX_use_certificate_chain_file(c, certificate_file_.c_str()) != 1)
    return refuse(kCertificate, certificate_file_,
                  "it holds no certificate in PEM format that can be used here");
  const Key key(PEM_read_PrivateKey(key_file.get(), nullptr, no_passphrase, nullptr));
  if (!key)
    return refuse(kKey, key_file_,
                  "it holds no private key in PEM format (one that is protected by a passphrase "
                  "cannot be used)");
  if (X509_check_private_key(SSL_CTX_get0_certificate(c), key.get()) != 1 ||
      SSL_CTX_use_PrivateKey(c, key.get()) != 1)
    return refuse(kKey, key_file_,
                  fmt::format("it is not the key of the certificate in {}", certificate_file_));
  const X509* certificate = SSL_CTX_get0_certificate(c);
  std::time_t now = clock_.wall().value / 1000;
  if (X509_cmp_time(X509_get0_notAfter(certificate), &now) < 0)
    return refuse(kCertificate, certificate_file_,
                  fmt::format("the certificate expired on {}: get a new one",
                              day_of(X509_get0_notAfter(certificate))));
  if (X509_cmp_time(X509_get0_notBefore(certificate), &now) > 0)
    return refuse(kCertificate, certificate_file_,
                  fmt::format("the certificate is valid from {} on: is the clock of this machine "
                              "right?",
                              day_of(X509_get0_notBefore(certificate))));

  const bool set =
      SSL_CTX_set_min_proto_version(c, TLS1_2_VERSION) == 1 &&
      SSL_CTX_set_cipher_list(c, kTls12Ciphers) == 1 &&
      SSL_CTX_set_tlsext_ticket_keys(c, const_cast<unsigned char*>(ticket_keys_.data()),
                                     static_cast<long>(ticket_keys_.size())) == 1 &&
      SSL_CTX_set_session_id_context(c, kSessionContext, sizeof kSessionContext) == 1 &&
      SSL_CTX_set_num_tickets(c, 1) == 1;
  PARLEY_CHECK(set, "OpenSSL refuses its settings");
  SSL_CTX_set_options(c, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                             SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
  SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);  // tickets need none
  SSL_CTX_set_alpn_select_cb(c, choose_protocol, nullptr);
  return context.release();
}

ssl_st* Tls::accept(bio_st* bio) const {
  SSL* ssl;
  {
    std::lock_guard lock(mutex_);
    ssl = SSL_new(context_);
  }
  PARLEY_CHECK(ssl && BIO_up_ref(bio) == 1, "OpenSSL makes no connection");
  SSL_set_bio(ssl, bio, bio);
  SSL_set_accept_state(ssl);
  return ssl;
}

/// The bottom of every connection's SSL: what is read comes from the scratch, and what is written
/// goes there.
struct TlsBio {
  static int read(BIO* bio, char* to, int size) {
    auto& in = scratch(bio).in_;
    BIO_clear_retry_flags(bio);
    if (in.empty()) {
      BIO_set_retry_read(bio);
      return -1;
    }
    const auto taken = std::min(in.size(), static_cast<std::size_t>(size));
    std::memcpy(to, in.data(), taken);
    in.remove_prefix(taken);
    return static_cast<int>(taken);
  }
  static int write(BIO* bio, const char* from, int size) {
    BIO_clear_retry_flags(bio);
    scratch(bio).out_.append(from, static_cast<std::size_t>(size));
    return size;
  }
  static long control(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH ? 1 : 0; }

  static TlsScratch& scratch(BIO* bio) { return *static_cast<TlsScratch*>(BIO_get_data(bio)); }

  static const BIO_METHOD* method() {
    static BIO_METHOD* const made = [] {
      auto* m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "parley");
      PARLEY_CHECK(m && BIO_meth_set_read(m, read) == 1 && BIO_meth_set_write(m, write) == 1 &&
                       BIO_meth_set_ctrl(m, control) == 1,
                   "OpenSSL takes no BIO");
      return m;
    }();
    return made;
  }
};

TlsScratch::TlsScratch() : bio_(BIO_new(TlsBio::method())) {
  PARLEY_CHECK(bio_, "OpenSSL makes no BIO");
  BIO_set_data(bio_, this);
  BIO_set_init(bio_, 1);
}

TlsScratch::~TlsScratch() { BIO_free(bio_); }

TlsSession::TlsSession(const Tls& tls, TlsScratch& scratch)
    : scratch_(scratch), ssl_(tls.accept(scratch.bio_)) {}

TlsSession::~TlsSession() { SSL_free(ssl_); }

TlsSession::Received TlsSession::receive(std::string_view input, char* text, std::size_t& size) {
  size = 0;
  ERR_clear_error();
  scratch_.in_ = input;
  auto result = Received::more;
  for (;;) {
    std::size_t got = 0;
    const int done = SSL_read_ex(ssl_, text + size, kMaxText - size, &got);
    size += got;
    if (done == 1) continue;
    const int error = SSL_get_error(ssl_, done);
    if (error == SSL_ERROR_WANT_READ) break;
    result = error == SSL_ERROR_ZERO_RETURN ? Received::ended : Received::failed;
    break;
  }
  broken_ = result == Received::failed;
  established_ = !broken_ && SSL_is_init_finished(ssl_) == 1;
  ERR_clear_error();
  scratch_.in_ = {};
  keep_output();
  return result;
}

OutputQueue::State TlsSession::flush(int fd, OutputQueue* queue, std::size_t& written) {
  using State = OutputQueue::State;
  if (!unsent_.empty()) {
    std::string due = std::exchange(unsent_, {});
    if (!send(fd, due, written)) return State::failed;
    if (!unsent_.empty()) return State::blocked;
  }
  while (established_ && queue && !queue->empty()) {
    while (scratch_.out_.size() < TlsScratch::kBatch && !queue->empty()) {
      const auto size = queue->take(scratch_.record_.data(), scratch_.record_.size());
      std::size_t taken = 0;
      ERR_clear_error();
      if (SSL_write_ex(ssl_, scratch_.record_.data(), size, &taken) != 1 || taken != size) {
        broken_ = true;
        scratch_.out_.clear();
        return State::failed;
      }
    }
    const bool sent = send(fd, scratch_.out_, written);
    scratch_.out_.clear();
    if (!sent) return State::failed;
    if (!unsent_.empty()) return State::blocked;
  }
  return State::empty;
}

/// False where the connection is gone. What the socket does not take is kept.
bool TlsSession::send(int fd, std::string_view bytes, std::size_t& written) {
  while (!bytes.empty()) {
    const auto taken = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (taken < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN && errno != EWOULDBLOCK) return false;
      unsent_.assign(bytes);
      return true;
    }
    written += static_cast<std::size_t>(taken);
    bytes.remove_prefix(static_cast<std::size_t>(taken));
  }
  return true;
}

void TlsSession::finish() {
  if (!established_ || broken_) return;
  ERR_clear_error();
  SSL_shutdown(ssl_);  // answers 0: the peer's end is not waited for
  ERR_clear_error();
  keep_output();
}

void TlsSession::keep_output() {
  unsent_ += scratch_.out_;
  scratch_.out_.clear();
}

bool TlsSession::resumed() const { return SSL_session_reused(ssl_) == 1; }

}  // namespace parley::net
