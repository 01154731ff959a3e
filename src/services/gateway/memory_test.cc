#include <arpa/inet.h>
#include <iostream>
#include <malloc.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include "net/testing/client.h"
#include "services/gateway/testing/fixture.h"

namespace parley::gateway::testing {
namespace {

constexpr std::size_t kWarm = 1'100;  // by then, what is made once is made
constexpr std::size_t kSessions = 1'500;
constexpr std::size_t kMost = 300;     // bytes of user memory: edge, gateway and tables together
constexpr std::size_t kEdgeSlot = 64;  // made beforehand, for as many connections as there may be

std::size_t in_use() {
  const auto info = ::mallinfo2();
  return info.uordblks + info.hblkhd;
}

/// As little of a client as can say hello: what it costs must not count.
net::UniqueFd connect_idle(std::uint16_t port, const std::string& token,
                           const std::string& cursor) {
  v1::ClientBatch hello;
  hello.add_frames()->mutable_hello()->set_token(token);
  const auto request = net::testing::upgrade_request("parley.v1.pb") +
                       net::testing::client_frame(net::Opcode::binary, hello.SerializeAsString());
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  net::UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{30, 0};
  ::setsockopt(socket.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  if (::connect(socket.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      ::send(socket.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0)
    throw std::runtime_error("cannot connect");
  std::string got;
  char piece[4096];
  while (!got.contains(cursor)) {  // of backlog_end: the last thing that hello brings
    const auto size = ::recv(socket.get(), piece, sizeof piece, 0);
    if (size <= 0) throw std::runtime_error("the connection ended early: " + got);
    got.append(piece, static_cast<std::size_t>(size));
  }
  return socket;
}

class Memory : public GatewayTest {};

TEST_F(Memory, AnIdleSessionIsSmall) {
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer) || \
    __has_feature(thread_sanitizer)
  GTEST_SKIP() << "a sanitizer's allocator tells no figures";
#endif
  rlimit files{};
  ::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < 2 * (kWarm + kSessions) + 100) GTEST_SKIP() << "too few files may be open";

  settings_.edge.max_connections = kWarm + kSessions + 10;
  start();
  const auto cursor = Cursor{FakeMessages::kEpoch, TimeMs(9'000)}.text();
  std::vector<net::UniqueFd> clients;
  clients.reserve(kWarm + kSessions);
  const auto connect = [&](std::size_t count) {
    for (std::size_t i = 0; i < count; ++i)
      clients.push_back(connect_idle(port_, token(1'000 + clients.size()), cursor));
    std::vector<std::uint64_t> everyone;
    for (std::size_t i = 0; i < clients.size(); ++i) everyone.push_back(1'000 + i);
    const auto before = metric("parley_gateway_deliveries_total");
    auto entry = std::make_shared<Entry>();
    entry->conversation = direct_id(1, 2);
    deliver(std::move(entry), everyone);
    eventually([&] {
      return metric("parley_gateway_deliveries_total") - before ==
             static_cast<std::int64_t>(everyone.size());
    });
    // A turn later, what was delivered is written and let go of.
    EXPECT_EQ(parley::testing::http(port_, "GET", "/v1/codes").status, 200);
  };
  connect(kWarm);
  const auto before = in_use();
  connect(kSessions);
  const auto each = (in_use() - before) / kSessions + kEdgeSlot;
  RecordProperty("bytes_per_session", static_cast<int>(each));
  std::cout << each << " bytes a session\n";
  EXPECT_LE(each, kMost);
}

}  // namespace
}  // namespace parley::gateway::testing
