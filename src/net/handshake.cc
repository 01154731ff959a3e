#include "net/handshake.h"

#include <boost/beast/core/string.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <fmt/ranges.h>
#include <memory>
#include <openssl/evp.h>

#include "base/check.h"
#include "net/edge.h"

namespace parley::net {
namespace http = boost::beast::http;
namespace {

bool has_token(const HttpReader::Message& request, http::field name, std::string_view token) {
  const auto [first, last] = request.equal_range(name);
  for (auto field = first; field != last; ++field)
    if (http::token_list(field->value()).exists(token)) return true;
  return false;
}

/// The base64 of 16 bytes.
bool is_key(std::string_view key) {
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  return key.size() == 24 && key.ends_with("==") &&
         key.substr(0, 22).find_first_not_of(kAlphabet) == key.npos;
}

bool offers(const HttpReader::Message& request, std::string_view subprotocol) {
  const auto [first, last] = request.equal_range(http::field::sec_websocket_protocol);
  for (auto field = first; field != last; ++field)
    for (const auto& token : http::token_list(field->value()))
      if (token == subprotocol) return true;
  return false;
}

unsigned choose(const HttpReader::Message& request, const EdgeConfig& config) {
  for (unsigned i = 0; i < config.subprotocols.size(); ++i)
    if (offers(request, config.subprotocols[i])) return i;
  return kNoSubprotocol;
}

}  // namespace

std::string accept_key(std::string_view key) {
  // Fetched and allocated once a thread: EVP_sha1() looks the algorithm up at every use.
  static const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> kSha1(
      EVP_MD_fetch(nullptr, "SHA1", nullptr), EVP_MD_free);
  thread_local const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(
      EVP_MD_CTX_new(), EVP_MD_CTX_free);
  constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[20];
  unsigned char text[29];
  PARLEY_CHECK(EVP_DigestInit_ex2(context.get(), kSha1.get(), nullptr) &&
                   EVP_DigestUpdate(context.get(), key.data(), key.size()) &&
                   EVP_DigestUpdate(context.get(), kGuid.data(), kGuid.size()) &&
                   EVP_DigestFinal_ex(context.get(), digest, nullptr),
               "OpenSSL has no SHA-1");
  const int size = EVP_EncodeBlock(text, digest, sizeof digest);
  return {reinterpret_cast<char*>(text), static_cast<std::size_t>(size)};
}

bool asks_for_websocket(const HttpReader::Message& request) {
  return has_token(request, http::field::upgrade, "websocket");
}

std::variant<Upgrade, HttpResponse> negotiate(const HttpReader::Message& request,
                                              const EdgeConfig& config) {
  const auto malformed = [](std::string_view what) {
    return http_error(400, Code::malformed, what);
  };
  const std::string_view target = request.target();
  if (!config.websocket_path.empty() && target.substr(0, target.find('?')) != config.websocket_path)
    return http_error(404, Code::not_found,
                      fmt::format("WebSockets are taken at {}.", config.websocket_path));
  if (request.method() != http::verb::get || request.version() != 11)
    return malformed("A WebSocket upgrade is a GET request of HTTP/1.1.");
  if (!has_token(request, http::field::connection, "upgrade"))
    return malformed("A WebSocket upgrade has the header `Connection: Upgrade`.");
  if (request[http::field::sec_websocket_version] != "13") {
    auto refusal = http_error(426, Code::unsupported, "This server speaks WebSocket version 13.");
    refusal.headers.emplace_back("Sec-WebSocket-Version", "13");
    refusal.headers.emplace_back("Upgrade", "websocket");  // RFC 9110 section 15.5.22
    return refusal;
  }
  const std::string_view key = request[http::field::sec_websocket_key];
  if (!is_key(key)) return malformed("Sec-WebSocket-Key must be the base64 of 16 bytes.");

  const unsigned chosen = choose(request, config);
  if (chosen == kNoSubprotocol && !config.allow_no_subprotocol)
    return http_error(400, Code::unsupported,
                      fmt::format("Offer one of these in Sec-WebSocket-Protocol: {}.",
                                  fmt::join(config.subprotocols, ", ")));
  auto head = fmt::format(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: {}\r\n",
      accept_key(key));
  if (chosen != kNoSubprotocol)
    fmt::format_to(std::back_inserter(head), "Sec-WebSocket-Protocol: {}\r\n",
                   config.subprotocols[chosen]);
  return Upgrade{chosen, SharedBytes(head, "\r\n")};
}

}  // namespace parley::net
