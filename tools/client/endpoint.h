#pragma once
#include <string>
#include <string_view>

#include "client/failure.h"

namespace parley::client {

inline constexpr char kDefaultServer[] = "127.0.0.1:7070";

/// Where a server listens.
struct Endpoint {
  std::string host;
  std::string port;
  bool tls = false;
  bool plain_http = false;  // no WebSocket: the way there breaks it
  std::string ca = {};      // a PEM file of what to trust instead of the system's roots
  /// `host:port`, with brackets around an IPv6 address.
  std::string authority() const;
  /// The same as a person gives it: with `https://` before it where there is TLS.
  std::string text() const;

  /// Takes `host`, `host:port`, `[::1]:port` and the same after `http://` or `https://`.
  static Outcome<Endpoint> parse(std::string_view text);
};

}  // namespace parley::client
