#include "net/tls.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include "base/testing/certificate.h"
#include "net/testing/client.h"
#include "net/testing/server.h"
#include "net/testing/tls_client.h"

namespace parley::net {
namespace {

using parley::testing::CertificateFolder;
using parley::testing::make_certificate;
using testing::Client;
using testing::client_frame;
using ::testing::HasSubstr;
using testing::Server;
using testing::TlsClient;

class EdgeTls : public ::testing::Test {
 protected:
  CertificateFiles files(const std::string& other = {}) const {
    return {"server.tls_certificate", "server.tls_key", folder_.certificate() + other,
            folder_.key()};
  }
  std::shared_ptr<Tls> open() {
    auto made = Tls::open(files(), clock_);
    EXPECT_TRUE(made.has_value()) << made.error().message;
    return *made;
  }
  EdgeConfig config(EdgeConfig base = {}) {
    base.allow_no_subprotocol = true;
    base.tls = tls_;
    return base;
  }

  SystemClock clock_;
  CertificateFolder folder_;
  std::shared_ptr<Tls> tls_ = open();
};

TEST_F(EdgeTls, ServesBothVersions) {
  Server server(config());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsClient client(server.port(), {.version = version});
    ASSERT_TRUE(client.connected()) << client.why();
    EXPECT_EQ(SSL_version(client.ssl()), version);
    EXPECT_EQ(client.protocol(), "http/1.1");
    client.write("GET /here HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(client.read_head(), HasSubstr("200"));
    EXPECT_EQ(client.read(10), "GET /here ");
    client.upgrade();
    client.write(client_frame(Opcode::text, "hello"));
    EXPECT_EQ(client.read_message(), "hello");
  }
}

TEST_F(EdgeTls, CarriesAStreamOfEvents) {
  Server server(config());
  server.http = [&](ConnectionId id, const HttpRequest&) { server.edge().stream(id); };
  TlsClient client(server.port());
  ASSERT_TRUE(client.connected()) << client.why();
  client.write("POST /events HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
  EXPECT_THAT(client.read_head(), HasSubstr("text/event-stream"));
  server.on_loop([&] {
    const auto id = server.requests()[0].first;
    server.edge().send(id, encode_event("x"));
    server.edge().close(id, CloseCode::draining, "so");
    return 0;
  });
  const std::string rest = "data: x\n\nevent: close\ndata: {\"code\":4000,\"reason\":\"so\"}\n\n";
  EXPECT_EQ(client.read(rest.size()), rest);
  EXPECT_TRUE(client.at_end());
}

TEST_F(EdgeTls, RefusesOldVersions) {
  Server server(config());
  for (const int version : {TLS1_VERSION, TLS1_1_VERSION}) {
    TlsClient client(server.port(), {.version = version});
    EXPECT_FALSE(client.connected());
    EXPECT_THAT(client.why(), HasSubstr("protocol version"));
  }
}

TEST_F(EdgeTls, RefusesOtherProtocolsThanHttp1) {
  Server server(config());
  TlsClient client(server.port(), {.protocols = "\x02h2"});
  EXPECT_FALSE(client.connected());
}

TEST_F(EdgeTls, RefusesToRenegotiate) {
  Server server(config());
  TlsClient client(server.port(), {.version = TLS1_2_VERSION});
  client.upgrade();
  EXPECT_FALSE(client.renegotiate());
  EXPECT_THAT(client.why(), HasSubstr("no renegotiation"));
}

TEST_F(EdgeTls, CarriesBigMessagesBothWays) {
  Server server(config({.max_message = 1 << 20, .output_limit = 4 << 20}));
  TlsClient client(server.port());
  client.upgrade();
  std::string big(1'000'000, 'x');
  for (std::size_t i = 0; i < big.size(); ++i) big[i] = static_cast<char>('a' + i * 31 % 26);
  for (int i = 0; i < 3; ++i) client.write(client_frame(Opcode::text, big));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(client.read_message(), big);
}

TEST_F(EdgeTls, TakesRecordsInPieces) {
  Server server(config());
  TlsClient client(server.port());
  client.upgrade();
  const auto bytes = client.encrypt(client_frame(Opcode::text, "in pieces")) +
                     client.encrypt(client_frame(Opcode::text, "and whole"));
  for (const char byte : bytes) {
    client.write_raw({&byte, 1});
    server.on_loop([] {});
  }
  EXPECT_EQ(client.read_message(), "in pieces");
  EXPECT_EQ(client.read_message(), "and whole");
}

/// What is decrypted but not taken, because the owner pauses, comes after all without anything new
/// on the socket.
TEST_F(EdgeTls, WhatIsBehindAPauseComesAfterIt) {
  Server server(config());
  server.message = [&](ConnectionId id, bool, std::string_view) { server.edge().pause(id); };
  TlsClient client(server.port());
  client.upgrade();
  std::string bytes;
  for (int i = 0; i < 5; ++i) bytes += client.encrypt(client_frame(Opcode::text, "m"));
  client.write_raw(bytes);
  for (std::size_t seen = 1; seen <= 5; ++seen) {
    ASSERT_TRUE(server.eventually([&] { return server.messages().size() == seen; }));
    server.on_loop([&] { server.edge().resume(server.opened()[0]); });
  }
}

TEST_F(EdgeTls, GarbageEndsOnlyItsConnection) {
  Server server(config());
  TlsClient good(server.port());
  good.upgrade();
  for (const std::string_view garbage :
       {std::string_view("GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        std::string_view("\x16\x03\x01\x00\x05\x01\x00\x00\x01\x00", 10),
        std::string_view("\x16\x03\x01\xff\xff", 5), std::string_view("\0\0\0\0\0\0", 6)}) {
    Client bad(server.port());
    bad.try_write(garbage);
    bad.half_close();
    bad.read_to_end();
  }
  TlsClient broken(server.port());
  broken.upgrade();
  auto record = broken.encrypt(client_frame(Opcode::text, "hello"));
  record.back() = static_cast<char>(record.back() ^ 1);
  broken.write_raw(record);
  EXPECT_FALSE(broken.at_end());  // an alert, not an orderly end
  ASSERT_TRUE(server.eventually([&] { return server.closed().size() == 1; }));
  EXPECT_EQ(server.closed()[0].code, kAbnormal);
  EXPECT_TRUE(server.messages().empty());

  good.write(client_frame(Opcode::text, "still here"));
  EXPECT_EQ(good.read_message(), "still here");
}

TEST_F(EdgeTls, AHandshakeThatDoesNotEndIsCut) {
  ManualClock clock;
  Server server(config({.tick = std::chrono::milliseconds(10)}), &clock);
  Client silent(server.port());
  silent.write(std::string_view("\x16\x03\x01", 3));
  while (server.on_loop([&] { return server.edge().connections(); }) == 0) {
  }
  clock.advance(std::chrono::seconds(12));
  EXPECT_TRUE(silent.at_end());
}

TEST_F(EdgeTls, ClosesInOrder) {
  Server server(config());
  TlsClient client(server.port());
  client.upgrade();
  client.write(client_frame(Opcode::close, std::string_view("\x03\xe8", 2)));
  EXPECT_EQ(client.read_message(), std::string_view("\x03\xe8", 2));
  EXPECT_TRUE(client.at_end());
  ASSERT_TRUE(server.eventually([&] { return server.closed().size() == 1; }));
  EXPECT_EQ(server.closed()[0].code, CloseCode{1000});
}

TEST_F(EdgeTls, SaysThatItIsFull) {
  Server server(config({.max_connections = 1}));
  TlsClient first(server.port());
  TlsClient second(server.port());
  EXPECT_THAT(second.read_head(), HasSubstr("503"));
}

TEST_F(EdgeTls, ResumesByTicketAlsoAfterANewCertificate) {
  Server server(config());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    ssl_session_st* session = nullptr;
    {
      TlsClient first(server.port(), {.version = version});
      first.upgrade();
      EXPECT_FALSE(first.resumed());
      session = first.take_session();
    }
    folder_.write(make_certificate());
    ASSERT_TRUE(tls_->reload().has_value());
    TlsClient second(server.port(), {.version = version, .session = session});
    EXPECT_TRUE(second.connected()) << second.why();
    EXPECT_TRUE(second.resumed());
    second.upgrade();
    second.write(client_frame(Opcode::text, "back"));
    EXPECT_EQ(second.read_message(), "back");
    SSL_SESSION_free(session);
  }
}

TEST_F(EdgeTls, ANewCertificateIsForNewConnections) {
  Server server(config());
  TlsClient before(server.port());
  before.upgrade();
  EXPECT_EQ(before.certificate_name(), "localhost");
  folder_.write(make_certificate({.name = "other"}));
  ASSERT_TRUE(tls_->reload().has_value());
  TlsClient after(server.port());
  EXPECT_EQ(after.certificate_name(), "other");
  before.write(client_frame(Opcode::text, "still here"));
  EXPECT_EQ(before.read_message(), "still here");
}

TEST_F(EdgeTls, ABadPairLeavesTheFormerOne) {
  Server server(config());
  auto mixed = make_certificate({.name = "other"});
  mixed.key = make_certificate().key;
  folder_.write(mixed);
  const auto reloaded = tls_->reload();
  ASSERT_FALSE(reloaded.has_value());
  EXPECT_THAT(reloaded.error().message, HasSubstr("not the key of the certificate"));
  TlsClient client(server.port());
  EXPECT_EQ(client.certificate_name(), "localhost");
}

TEST_F(EdgeTls, SaysWhatIsWrongWithAPair) {
  const auto why = [&](const parley::testing::Certificate& pair) {
    folder_.write(pair);
    const auto made = Tls::open(files(), clock_);
    return made ? "nothing" : made.error().message;
  };
  auto good = make_certificate();
  EXPECT_EQ(why(good), "nothing");
  EXPECT_THAT(why(make_certificate({.valid_from_s = -7200, .valid_for_s = 3600})),
              HasSubstr("expired on 20"));
  EXPECT_THAT(why(make_certificate({.valid_from_s = 7200})), HasSubstr("is valid from 20"));
  EXPECT_THAT(why({"nonsense", good.key}), HasSubstr("holds no certificate"));
  EXPECT_THAT(why({good.certificate, "nonsense"}), HasSubstr("holds no private key"));
  const auto missing = Tls::open(files("x"), clock_);
  ASSERT_FALSE(missing.has_value());
  EXPECT_THAT(missing.error().message, HasSubstr("No such file"));
}

TEST_F(EdgeTls, ASlowReaderGetsEverythingThatItReads) {
  Server server(config({.output_high_water = 256 * 1024, .output_limit = 8 << 20}));
  TlsClient client(server.port(), {.receive_buffer = 4096});
  client.upgrade();
  ASSERT_TRUE(server.eventually([&] { return server.opened().size() == 1; }));
  const auto id = server.opened()[0];
  const std::string text(100'000, 'y');
  server.on_loop([&] {
    for (int i = 0; i < 50; ++i) server.edge().send(id, encode_message(false, text));
  });
  server.on_loop([] {});
  for (int i = 0; i < 50; ++i) ASSERT_EQ(client.read_message(), text) << i;
  ASSERT_TRUE(server.eventually([&] { return server.drained().size() == 1; }));
}

TEST_F(EdgeTls, AReaderThatStopsIsClosed) {
  ManualClock clock;
  Server server(config({.output_limit = 64 << 20, .tick = std::chrono::milliseconds(10)}), &clock);
  TlsClient client(server.port(), {.receive_buffer = 4096});
  client.upgrade();
  ASSERT_TRUE(server.eventually([&] { return server.opened().size() == 1; }));
  const auto id = server.opened()[0];
  server.on_loop([&] {
    const auto frame = encode_message(false, std::string(1 << 20, 'z'));
    for (int i = 0; i < 16; ++i) server.edge().send(id, frame);
  });
  for (int i = 0; i < 12 && server.closed().empty(); ++i) {
    clock.advance(std::chrono::seconds(10));
    const auto turns = server.turns();
    ASSERT_TRUE(server.eventually([&] { return server.turns() > turns + 2; }));
  }
  ASSERT_TRUE(server.eventually([&] { return server.closed().size() == 1; }));
  EXPECT_EQ(server.closed()[0].code, CloseCode::slow_reader);
}

}  // namespace
}  // namespace parley::net
