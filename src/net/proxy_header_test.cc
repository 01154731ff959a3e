#include "net/proxy_header.h"

#include <gtest/gtest.h>

#include "net/socket.h"

namespace parley::net {
namespace {
using State = ProxyHeader::State;

std::string client_of(std::string_view bytes) {
  const auto header = read_proxy_header(bytes);
  if (header.state != State::whole) return header.state == State::wrong ? "wrong" : "need more";
  return header.client ? to_text(*header.client) : "itself";
}

std::string binary(char command, char family, const std::string& addresses) {
  std::string out("\r\n\r\n\0\r\nQUIT\n", 12);
  out += {command, family, static_cast<char>(addresses.size() >> 8),
          static_cast<char>(addresses.size())};
  return out + addresses;
}
const std::string kV4("\xc0\x00\x02\x07\x7f\x00\x00\x01\x12\x34\x00\x50", 12);
const std::string kV6 = std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x01" +
                        std::string(16, '\0') + "\x12\x34\x56\x78";

TEST(ProxyHeaderTest, BothVersionsSayForWhom) {
  EXPECT_EQ(client_of("PROXY TCP4 192.0.2.7 127.0.0.1 1234 80\r\nGET /"), "192.0.2.7");
  EXPECT_EQ(client_of("PROXY TCP6 2001:db8::1 ::1 1234 80\r\n"), "2001:db8::1");
  EXPECT_EQ(client_of("PROXY UNKNOWN\r\n"), "itself");
  EXPECT_EQ(client_of("PROXY UNKNOWN what ever\r\n"), "itself");
  EXPECT_EQ(client_of(binary(0x21, 0x11, kV4) + "GET /"), "192.0.2.7");
  EXPECT_EQ(client_of(binary(0x21, 0x21, kV6)), "2001:db8::1");
  EXPECT_EQ(client_of(binary(0x21, 0x11, kV4 + std::string(100, 't'))), "192.0.2.7");
  EXPECT_EQ(client_of(binary(0x20, 0x00, "")), "itself");
  EXPECT_EQ(client_of(binary(0x21, 0x31, std::string(216, 'u'))), "itself") << "a Unix socket";
  EXPECT_EQ(read_proxy_header(binary(0x21, 0x11, kV4) + "GET /").size, 28u);
  EXPECT_EQ(read_proxy_header("PROXY UNKNOWN\r\nGET").size, 15u);
}

TEST(ProxyHeaderTest, EveryPrefixOfAHeaderNeedsMore) {
  for (const auto& whole : {std::string("PROXY TCP4 192.0.2.7 127.0.0.1 1234 80\r\n"),
                            binary(0x21, 0x11, kV4), binary(0x20, 0, "")})
    for (std::size_t size = 0; size < whole.size(); ++size)
      ASSERT_EQ(client_of(whole.substr(0, size)), "need more") << size;
}

TEST(ProxyHeaderTest, WhatIsNoneIsWrongAtTheFirstByteThatShowsIt) {
  for (const auto& bytes :
       {std::string("GET / HTTP/1.1\r\n"), std::string("PROXIMITY"), std::string("\r\n\r\nx"),
        std::string("PROXY UDP4 192.0.2.7 127.0.0.1 1 2\r\n"),
        std::string("PROXY TCP4 nonsense 127.0.0.1 1 2\r\n"),
        std::string("PROXY TCP4 ") + std::string(200, '1'), binary(0x31, 0x11, kV4),
        binary(0x22, 0x11, kV4), binary(0x21, 0x11, "short"), binary(0x21, 0x21, kV4),
        binary(0x21, 0x11, std::string(3'000, 'x'))})
    EXPECT_EQ(client_of(bytes), "wrong") << bytes;
}

bool contain(std::vector<std::string> networks, const std::string& address) {
  const auto client = read_proxy_header("PROXY TCP6 " + address + " ::1 1 2\r\n").client;
  return Networks::parse(networks).value().contain(*client);
}

TEST(NetworksTest, ContainTheirOwn) {
  EXPECT_TRUE(contain({"10.0.0.0/8", "192.0.2.7"}, "10.1.2.3"));
  EXPECT_TRUE(contain({"10.0.0.0/8", "192.0.2.7"}, "192.0.2.7"));
  EXPECT_FALSE(contain({"10.0.0.0/8", "192.0.2.7"}, "192.0.2.8"));
  EXPECT_FALSE(contain({"10.0.0.0/8"}, "11.0.0.1"));
  EXPECT_TRUE(contain({"192.0.2.128/25"}, "192.0.2.200"));
  EXPECT_FALSE(contain({"192.0.2.128/25"}, "192.0.2.100"));
  EXPECT_TRUE(contain({"fd00::/8"}, "fdab::1"));
  EXPECT_FALSE(contain({"fd00::/8"}, "fe80::1"));
  EXPECT_TRUE(contain({"0.0.0.0/0"}, "8.8.8.8"));
  EXPECT_FALSE(contain({"0.0.0.0/0"}, "2001:db8::1"));
  EXPECT_TRUE(Networks::parse({})->empty());
}

TEST(NetworksTest, WhatIsNoneIsNamed) {
  for (const std::string text : {"", "10.0.0.0/33", "10.0.0/8", "fd00::/129", "10.0.0.0/", "a"}) {
    const auto parsed = Networks::parse({text});
    ASSERT_FALSE(parsed) << text;
    EXPECT_NE(parsed.error().message.find("'" + text + "' is no address"), std::string::npos);
  }
}

}  // namespace
}  // namespace parley::net
