#include "net/tls.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>

#include "base/check.h"

namespace parley::net {
namespace {

constexpr char kTls12Ciphers[] = "ECDHE+AESGCM:ECDHE+CHACHA20";
constexpr std::string_view kProtocol{"\x08http/1.1"};
constexpr unsigned char kSessionContext[] = "parley";

using Context = std::unique_ptr<SSL_CTX, decltype([](SSL_CTX* c) { SSL_CTX_free(c); })>;

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

}  // namespace

Tls::Tls(CertificateFiles files, const Clock& clock) : files_(std::move(files)), clock_(clock) {
  PARLEY_CHECK(RAND_bytes(ticket_keys_.data(), static_cast<int>(ticket_keys_.size())) == 1,
               "there is no source of random numbers");
}

Tls::~Tls() { SSL_CTX_free(context_); }

Result<std::shared_ptr<Tls>> Tls::open(CertificateFiles files, const Clock& clock) {
  std::shared_ptr<Tls> tls(new Tls(std::move(files), clock));
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
  Context context(SSL_CTX_new(TLS_server_method()));
  PARLEY_CHECK(context, "OpenSSL does not start");
  auto* c = context.get();
  PARLEY_TRY_VOID(use_certificate(c, files_, clock_.wall()));
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
