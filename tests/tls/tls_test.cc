// The edge with a certificate, as clients and the person who runs the server see it.
#include <chrono>
#include <csignal>
#include <filesystem>
#include <gmock/gmock.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <map>
#include <openssl/ssl.h>
#include <thread>

#include "base/testing/certificate.h"
#include "net/testing/client.h"
#include "net/testing/tls_client.h"
#include "parley/v1/frames.pb.h"
#include "parley/v1/rest.pb.h"
#include "tests/support/server/server_process.h"

namespace parley::testing {
namespace {

using net::Opcode;
using net::testing::client_frame;
using net::testing::TlsClient;
using parley::testing::Certificate;
using parley::testing::CertificateFolder;
using parley::testing::make_certificate;
using ::testing::HasSubstr;

constexpr std::chrono::seconds kPatience{30};

std::vector<std::string> with(const CertificateFolder& files) {
  return {"--server-tls_certificate", files.certificate(), "--server-tls_key", files.key()};
}

Ended verify(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {parleyd_path(), "--verify-config"});
  return run_program(arguments);
}

void expect_refused(const std::vector<std::string>& arguments, const std::string& part) {
  const auto ended = verify(arguments);
  EXPECT_EQ(ended.exit_code, 2) << ended.output;
  EXPECT_THAT(ended.output, HasSubstr(part));
  EXPECT_EQ(std::ranges::count(ended.output, '\n'), 1) << ended.output;
}

/// The body of the answer.
std::string post(TlsClient& client, const std::string& target, const std::string& body) {
  client.write("POST " + target +
               " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
               "Content-Length: " +
               std::to_string(body.size()) + "\r\n\r\n" + body);
  const auto head = client.read_head();
  EXPECT_THAT(head, HasSubstr("HTTP/1.1 20"));
  const auto at = head.find("Content-Length: ");
  return client.read(std::strtoul(head.c_str() + at + 16, nullptr, 10));
}

std::string access_token(std::uint16_t port, const std::string& name) {
  TlsClient client(port);
  v1::Tokens tokens;
  google::protobuf::util::JsonParseOptions lenient;
  lenient.ignore_unknown_fields = true;
  const auto parsed = google::protobuf::util::JsonStringToMessage(
      post(client, "/v1/signup", R"({"name":")" + name + R"(","password":"a long enough one"})"),
      &tokens, lenient);
  EXPECT_TRUE(parsed.ok()) << parsed.ToString();
  return tokens.access_token();
}

/// Says hello on one of the wires and returns the first message that comes.
std::string hello(TlsClient& client, const std::string& subprotocol, const std::string& token) {
  client.write(net::testing::upgrade_request(subprotocol));
  EXPECT_THAT(client.read_head(), HasSubstr("101"));
  v1::ClientFrame frame;
  frame.set_id(1);
  frame.mutable_hello()->set_token(token);
  if (subprotocol == "parley.v1.pb") {
    v1::ClientBatch batch;
    *batch.add_frames() = frame;
    client.write(client_frame(Opcode::binary, batch.SerializeAsString()));
  } else {
    std::string text;
    EXPECT_TRUE(google::protobuf::util::MessageToJsonString(frame, &text).ok());
    client.write(client_frame(Opcode::text, text));
  }
  return client.read_message();
}

bool eventually(const std::function<bool()>& condition) {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > until) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return true;
}

std::string certificate_name(std::uint16_t port) { return TlsClient(port).certificate_name(); }

TEST(TlsSettings, ABadPairIsOneSentenceAndExitCode2) {
  const auto good = make_certificate();
  CertificateFolder files(good);
  EXPECT_EQ(verify(with(files)).exit_code, 0);
  expect_refused({"--server-tls_certificate", files.certificate()}, "server.tls_key is not");
  expect_refused({"--server-tls_certificate", "/nowhere.pem", "--server-tls_key", files.key()},
                 "/nowhere.pem\": No such file");
  auto off = with(files);
  off.insert(off.end(), {"--server-tls", "off"});
  expect_refused(off, "leave out one of them");
  files.write({good.certificate, make_certificate().key});
  expect_refused(with(files), "not the key of the certificate");
  files.write({good.certificate, "nonsense"});
  expect_refused(with(files), "holds no private key");
  files.write(make_certificate({.valid_from_s = -7200, .valid_for_s = 3600}));
  expect_refused(with(files), "expired");

  TempFolder folder;
  auto start = with(files);
  start.insert(start.begin(), {parleyd_path(), "--data", folder.path() / "data"});
  EXPECT_EQ(run_program(start).exit_code, 2);
  EXPECT_FALSE(std::filesystem::exists(folder.path() / "data"));
}

TEST(TlsSettings, ACertificateIsEnoughForOtherAddressesThanLoopback) {
  CertificateFolder files;
  auto arguments = with(files);
  arguments.insert(arguments.end(), {"--listen", "0.0.0.0:7070"});
  EXPECT_EQ(verify(arguments).exit_code, 0);
}

TEST(Tls, BothVersionsCarryBothWires) {
  TempFolder folder;
  CertificateFolder files;
  ServerProcess server(folder.path() / "data", with(files));
  const auto token = access_token(server.port(), "ann");
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    for (const std::string wire : {"parley.v1.pb", "parley.v1.json"}) {
      TlsClient client(server.port(), {.version = version});
      ASSERT_TRUE(client.connected()) << client.why();
      EXPECT_EQ(SSL_version(client.ssl()), version);
      const auto first = hello(client, wire, token);
      if (wire == "parley.v1.pb") {
        v1::ServerBatch batch;
        ASSERT_TRUE(batch.ParseFromString(first));
        EXPECT_TRUE(batch.frames(0).has_welcome());
      } else {
        EXPECT_THAT(first, HasSubstr("\"welcome\""));
      }
    }
  }
  TlsClient asks(server.port());
  asks.write("GET /v1/connect HTTP/1.1\r\nHost: chat.example\r\n\r\n");
  asks.read_head();
  EXPECT_THAT(asks.read(50), HasSubstr("wss://chat.example/v1/ws"));
}

TEST(Tls, AStreamOfEventsAndItsFramesAreEncryptedToo) {
  TempFolder folder;
  CertificateFolder files;
  ServerProcess server(folder.path() / "data", with(files));
  const auto token = access_token(server.port(), "ann");
  const auto request = [&](const std::string& target, const std::string& body) {
    return "POST " + target + " HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + token +
           "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  };
  TlsClient stream(server.port());
  stream.write(request("/v1/stream", R"({"id":"1","hello":{}})"));
  EXPECT_THAT(stream.read_head(), HasSubstr("text/event-stream"));
  std::string got;
  const auto read_up_to = [&](const std::string& what) {
    while (!got.contains(what)) got += stream.read(1);
  };
  read_up_to("backlog_end");
  const std::string key = R"("session_id":")";
  const auto at = got.find(key) + key.size();
  const auto session = got.substr(at, got.find('"', at) - at);
  TlsClient asks(server.port());
  asks.write(request("/v1/stream/" + session + "/frames", R"({"id":"2","ping":{}})"));
  EXPECT_THAT(asks.read_head(), HasSubstr("HTTP/1.1 202 "));
  read_up_to(R"({"re":"2","pong":{}})");
}

TEST(Tls, OldVersionsAndPlainBytesAreRefused) {
  TempFolder folder;
  CertificateFolder files;
  ServerProcess server(folder.path() / "data", with(files));
  TlsClient old(server.port(), {.version = TLS1_1_VERSION});
  EXPECT_FALSE(old.connected());
  net::testing::Client plain(server.port());
  plain.write("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(plain.read_to_end(), ::testing::Not(HasSubstr("HTTP")));
}

TEST(Tls, ANewCertificateIsTakenUpWithoutARestart) {
  TempFolder folder;
  CertificateFolder files(make_certificate({.name = "first"}));
  ServerProcess server(folder.path() / "data", with(files));
  const auto token = access_token(server.port(), "ann");
  TlsClient before(server.port());
  hello(before, "parley.v1.json", token);
  EXPECT_EQ(before.certificate_name(), "first");

  // By itself, once its files have changed.
  files.write(make_certificate({.name = "second"}));
  EXPECT_TRUE(eventually([&] { return certificate_name(server.port()) == "second"; }));

  // A pair that does not fit: the former one stays, and the log says why.
  auto bad = make_certificate({.name = "third"});
  bad.key = make_certificate().key;
  files.write(bad);
  server.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] {
    return server.log().find("not the key of the certificate") != std::string::npos;
  })) << server.log();
  EXPECT_EQ(certificate_name(server.port()), "second");

  files.write(make_certificate({.name = "fourth"}));
  server.signal(SIGHUP);
  EXPECT_TRUE(eventually([&] { return certificate_name(server.port()) == "fourth"; }));

  before.write(client_frame(Opcode::text, R"({"id":"2","ping":{}})"));
  std::string got;
  while (got.find("\"pong\"") == std::string::npos) got = before.read_message();
}

/// The two programs verify who they talk to.
TEST(Tls, TheClientsTrustOnlyWhatTheyAreTold) {
  TempFolder folder;
  CertificateFolder files;
  ServerProcess server(folder.path() / "data", with(files));
  const auto at = "https://127.0.0.1:" + std::to_string(server.port());
  const auto bin = std::filesystem::path(parleyd_path()).parent_path();
  const std::map<std::string, std::string> environment{{"XDG_STATE_HOME", folder.path()}};
  const auto parley = [&](const std::string& arguments) {
    return run_program(
        {"/bin/sh", "-c",
         "echo 'a long enough one' | " + (bin / "parley").string() + " " + arguments},
        environment);
  };
  const auto trusting = " --ca " + files.certificate();
  const auto distrusted = parley("--server " + at + " sign-up ann --password-stdin");
  EXPECT_EQ(distrusted.exit_code, 1);
  EXPECT_THAT(distrusted.output, HasSubstr("cannot be trusted"));
  const auto signed_up = parley("--server " + at + trusting + " sign-up ann --password-stdin");
  EXPECT_EQ(signed_up.exit_code, 0) << signed_up.output;
  // Remembered, for HTTP and for the WebSocket.
  const auto sent = parley("send ann 'a note'");
  EXPECT_EQ(sent.exit_code, 0) << sent.output;

  CertificateFolder other(make_certificate({.name = "elsewhere.example"}));
  const auto wrong = parley("--ca " + other.certificate() + " send ann 'a note'");
  EXPECT_EQ(wrong.exit_code, 1) << wrong.output;

  std::vector<std::string> load{
      bin / "parley-load", "--server", at,           "--sign-up", "2",
      "--messages",        "20",       "--duration", "10",        "--quiet"};
  const auto refused = run_program(load);
  EXPECT_EQ(refused.exit_code, 1) << refused.output;
  EXPECT_THAT(refused.output, HasSubstr("cannot be trusted"));
  load.insert(load.end(), {"--ca", files.certificate()});
  const auto proved = run_program(load);
  EXPECT_EQ(proved.exit_code, 0) << proved.output;
}

}  // namespace
}  // namespace parley::testing
