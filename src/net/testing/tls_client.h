#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "net/socket.h"

struct ssl_ctx_st;
struct ssl_session_st;
struct ssl_st;

namespace parley::net::testing {

/// A blocking TLS client on loopback that verifies nothing. Whatever it waits for, it waits 30 s at
/// most, then throws.
class TlsClient {
 public:
  struct Options {
    int version = 0;                    // TLS1_2_VERSION and the like; 0: any, old ones too
    ssl_session_st* session = nullptr;  // to be resumed
    std::string_view protocols = "\x08http/1.1";  // offered by ALPN
    int receive_buffer = 0;
  };
  explicit TlsClient(std::uint16_t port) : TlsClient(port, Options{}) {}
  TlsClient(std::uint16_t port, const Options& options);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;

  /// False where the server refused; then `why()`.
  bool connected() const { return connected_; }
  const std::string& why() const { return why_; }

  void write(std::string_view text);
  /// The bytes of the encrypted stream that `text` becomes, to be sent by `write_raw`.
  std::string encrypt(std::string_view text);
  void write_raw(std::string_view bytes);

  std::string read(std::size_t size);
  std::string read_head();
  /// A server's text or binary message.
  std::string read_message();
  /// The end of the stream, said by TLS.
  bool at_end();
  void upgrade();
  /// Asks for another handshake, which only TLS 1.2 has. False where it fails; then `why()`.
  bool renegotiate();

  ssl_st* ssl() { return ssl_; }
  std::string protocol() const;
  bool resumed() const;
  std::string certificate_name() const;
  /// What a later client resumes; the caller frees it. Read something first: it comes late.
  ssl_session_st* take_session();

 private:
  bool handshake();
  bool fill();
  bool pump_in();
  void pump_out();

  UniqueFd socket_;
  ssl_ctx_st* context_;
  ssl_st* ssl_;
  bool connected_ = false;
  bool ended_ = false;
  std::string why_;
  std::string buffered_;
};

}  // namespace parley::net::testing
