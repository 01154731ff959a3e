#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/certificate_files.h"
#include "base/clock.h"
#include "base/result.h"
#include "net/output_queue.h"

struct bio_st;
struct ssl_st;
struct ssl_ctx_st;

namespace parley::net {

/// The certificate and the rules by which connections are encrypted: TLS 1.2 and 1.3 (RFC 8446),
/// no renegotiation, HTTP/1.1 by ALPN, resumption by tickets whose keys live as long as this
/// object. Shared by all edges of a process; every member is for any thread.
class Tls {
 public:
  /// The error is a sentence for a person. `clock` outlives it.
  static Result<std::shared_ptr<Tls>> open(CertificateFiles files, const Clock& clock);
  ~Tls();
  Tls(const Tls&) = delete;

  /// Reads the files again. New connections get what they say now; where they are no good, the
  /// former pair stays. Connections that are open keep theirs.
  Result<void> reload();

  /// The server's side of a new connection, over `bio`.
  ssl_st* accept(bio_st* bio) const;

 private:
  Tls(CertificateFiles files, const Clock& clock);
  Result<ssl_ctx_st*> load() const;

  const CertificateFiles files_;
  const Clock& clock_;
  std::array<unsigned char, 80> ticket_keys_;
  mutable std::mutex mutex_;
  ssl_ctx_st* context_ = nullptr;
};

/// What the connections of one loop share to be encrypted: one BIO, and room for what goes through
/// it during a call. So a connection that is idle holds no buffer.
class TlsScratch {
 public:
  TlsScratch();
  ~TlsScratch();
  TlsScratch(const TlsScratch&) = delete;

 private:
  friend class TlsSession;
  friend struct TlsBio;
  static constexpr std::size_t kBatch = 64 * 1024;  // encrypted between two writes
  bio_st* bio_;
  std::string_view in_;  // from the peer, not yet used up
  std::string out_;      // for the peer
  std::array<char, 16 * 1024> record_;
};

/// The encryption of one connection. What came from the socket is decrypted at once, all of it, so
/// nothing waits in here that epoll does not know of but the part of a record; what is to be sent
/// is encrypted when the socket takes it, and what it does not take is kept here.
class TlsSession {
 public:
  /// `scratch` outlives it.
  TlsSession(const Tls& tls, TlsScratch& scratch);
  ~TlsSession();
  TlsSession(const TlsSession&) = delete;

  enum class Received { more, ended, failed };
  /// Bytes that the socket takes at most in one read.
  static constexpr std::size_t kMaxInput = 64 * 1024;
  /// Room that the text of one input needs at most: it and the record that was cut before.
  static constexpr std::size_t kMaxText = kMaxInput + 17 * 1024;

  /// Decrypts `input` into `text`, which has room for kMaxText; `size` becomes how much that is.
  /// `ended`: the peer will send no more. May leave something to be flushed.
  Received receive(std::string_view input, char* text, std::size_t& size);

  /// Sends what is due, and, once the handshake is done, what `queue` (may be null) holds.
  /// `written` grows by the bytes that the socket took.
  OutputQueue::State flush(int fd, OutputQueue* queue, std::size_t& written);
  /// There is something to be flushed that is in no queue.
  bool has_output() const { return !unsent_.empty(); }

  /// Adds the end of the stream to what is to be flushed.
  void finish();

  bool established() const { return established_; }
  bool resumed() const;

 private:
  bool send(int fd, std::string_view bytes, std::size_t& written);
  void keep_output();

  TlsScratch& scratch_;
  ssl_st* ssl_;
  std::string unsent_;  // encrypted
  bool established_ = false;
  bool broken_ = false;
};

}  // namespace parley::net
