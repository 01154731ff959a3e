#include "http.h"

#include <arpa/inet.h>
#include <array>
#include <fmt/format.h>
#include <google/protobuf/util/json_util.h>
#include <netdb.h>
#include <random>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

#include "accounts.h"
#include "parley/v1/rest.pb.h"
#include "tls.h"

namespace parley::load {
namespace {

constexpr std::string_view kSignUpPath = "/v1/signup";
constexpr std::string_view kSignInPath = "/v1/signin";

/// One request over a connection of its own; the answer's body. Throws if it is not of the 200s.
/// Without a token it is nobody's.
std::string request_once(const Options& options, std::string_view method, std::string_view path,
                         const std::string& body, std::string_view token) {
  const auto& server = options.server;
  const std::size_t colon = server.rfind(':');
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(server.substr(0, colon).c_str(), server.substr(colon + 1).c_str(), &hints,
                  &found) != 0)
    throw std::runtime_error(fmt::format("{}: unknown host", server));
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const bool connected = connect(fd, found->ai_addr, found->ai_addrlen) == 0;
  freeaddrinfo(found);
  const std::string request = fmt::format(
      "{} {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n"
      "{}Connection: close\r\n\r\n{}",
      method, path, server, body.size(),
      token.empty() ? "" : fmt::format("Authorization: Bearer {}\r\n", token), body);
  std::string answer;
  if (connected && options.tls) {
    const TlsClient tls(server.substr(0, colon), options.ca);
    answer = tls.exchange(fd, request);
  } else if (connected && send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
                              static_cast<ssize_t>(request.size())) {
    std::array<char, 16384> buffer;
    for (ssize_t n = 0; (n = recv(fd, buffer.data(), buffer.size(), 0)) > 0;)
      answer.append(buffer.data(), static_cast<std::size_t>(n));
  }
  close(fd);
  const std::size_t head = answer.find("\r\n\r\n");
  if (!answer.starts_with("HTTP/1.1 2") || head == std::string::npos)
    throw std::runtime_error(fmt::format("{}: {}", path, answer.empty() ? "no answer" : answer));
  return answer.substr(head + 4);
}

}  // namespace

void http_call(const Options& options, std::string_view method, std::string_view path,
               std::string_view token, const google::protobuf::Message* body,
               google::protobuf::Message& answer) {
  namespace util = google::protobuf::util;
  std::string text;
  util::JsonPrintOptions print;
  print.preserve_proto_field_names = true;
  util::JsonParseOptions parse;
  parse.ignore_unknown_fields = true;
  if ((body != nullptr && !util::MessageToJsonString(*body, &text, print).ok()) ||
      !util::JsonStringToMessage(request_once(options, method, path, text, token), &answer, parse)
           .ok())
    throw std::runtime_error(fmt::format("{}: the answer is not what the protocol says", path));
}

std::vector<Account> sign_up(const Options& options) {
  std::vector<Account> accounts;
  std::random_device random;
  const std::uint64_t run = std::uint64_t{random()} << 16U;
  for (std::size_t i = 0; i < options.sign_up; ++i) {
    const std::string password = fmt::format("{:08x}{:08x}", random(), random());
    v1::SignUpRequest request;
    request.set_name(fmt::format("load_{:x}", run + i));
    request.set_password(password);
    request.set_device_name("parley-load");
    v1::Tokens tokens;
    http_call(options, "POST", kSignUpPath, "", &request, tokens);
    Account account{.user = tokens.user_id(), .name = request.name(), .tokens = {}, .groups = {}};
    account.tokens.push_back({tokens.device_id(), tokens.access_token()});
    while (account.tokens.size() < options.devices) {
      v1::SignInRequest again;
      again.set_name(request.name());
      again.set_password(password);
      again.set_device_name(fmt::format("parley-load {}", account.tokens.size() + 1));
      http_call(options, "POST", kSignInPath, "", &again, tokens);
      account.tokens.push_back({tokens.device_id(), tokens.access_token()});
    }
    accounts.push_back(std::move(account));
  }
  return accounts;
}

}  // namespace parley::load
