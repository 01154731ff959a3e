#pragma once
#include <span>
#include <string>
#include <string_view>
#include <sys/types.h>

struct ssl_ctx_st;
struct ssl_st;

namespace parley::load {

/// What connections to one server share to be encrypted; its certificate is verified.
class TlsClient {
 public:
  /// `ca`: a PEM file of what to trust; empty: the system's roots. Throws where there is none.
  TlsClient(std::string host, const std::string& ca);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  /// Sends `request` over the connected, blocking `fd` and returns what comes until the end.
  /// Throws where the server is not to be trusted.
  std::string exchange(int fd, std::string_view request) const;

 private:
  friend class TlsLink;
  std::string host_;
  ssl_ctx_st* context_;
};

/// The encryption of one connection. `send` and `receive` answer like those of a socket, by errno
/// too; the handshake is part of the first of them.
class TlsLink {
 public:
  TlsLink(const TlsClient& client, int fd);
  ~TlsLink();
  TlsLink(const TlsLink&) = delete;
  TlsLink& operator=(const TlsLink&) = delete;

  ssize_t send(std::string_view text);
  /// Fills `into` as far as there is something.
  ssize_t receive(std::span<char> into);
  /// The last `send` waits for something to be received.
  bool waits_to_read() const { return waits_to_read_; }
  /// Why it failed, for a person.
  std::string why() const;

 private:
  ssize_t failed(int result);

  ssl_st* ssl_;
  bool waits_to_read_ = false;
  unsigned long error_ = 0;
};

}  // namespace parley::load
