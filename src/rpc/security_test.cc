// Who is heard when certificates are asked for, and what those are told who are not.
#include <fstream>
#include <gtest/gtest.h>

#include "base/testing/certificate.h"
#include "rpc/message.h"
#include "rpc/testing/fake_messages.h"
#include "rpc/testing/processes.h"

namespace parley::rpc::testing {
namespace {
using parley::testing::Certificate;
using parley::testing::CertificateFolder;
using parley::testing::CertificatePlan;
using parley::testing::make_certificate;

/// The files of one process.
class Files {
 public:
  Files(const Certificate& authority, CertificatePlan plan) : pair_(signed_by(authority, plan)) {
    write_authority(authority);
  }
  static Certificate signed_by(const Certificate& authority, CertificatePlan plan) {
    plan.authority = &authority;
    return make_certificate(plan);
  }
  void write_authority(const Certificate& authority) {
    std::ofstream(this->authority()) << authority.certificate;
  }
  void write(const Certificate& pair) { pair_.write(pair); }
  std::string authority() const { return pair_.certificate() + ".authority"; }
  Result<std::shared_ptr<Security>> open() {
    return Security::open(
        {"peer_tls.certificate", "peer_tls.key", pair_.certificate(), pair_.key()}, authority(),
        clock_);
  }
  std::string certificate() const { return pair_.certificate(); }

 private:
  CertificateFolder pair_;
  SystemClock clock_;
};

class SecurityTest : public ::testing::Test {
 protected:
  ~SecurityTest() override {
    if (serving) serving->stop();
  }
  void serve_with(SecurityPtr security) {
    serving.emplace(kVersion, std::move(security));
    fake.emplace(serving->loops);
    serve(serving->router, serving->loops, *fake);
    serving->start();
  }
  /// A view is asked for; null: it was answered, else why the link is not there.
  std::string asked_with(SecurityPtr security, bool should_reach) {
    Asking asking(serving->address(), Asking::quick(), std::move(security));
    MessageClient messages(asking.link);
    asking.start();
    std::string why;
    const bool as_it_should = eventually([&] {
      const auto missing = asking.link.missing();
      why = missing ? missing->why : "";
      return should_reach ? !missing : missing && why != "not connected yet";
    });
    EXPECT_TRUE(as_it_should) << why;
    EXPECT_EQ(await(asking.loops, messages.view(UserId(7), kTalk)).has_value(), should_reach);
    asking.stop();
    return why;
  }

  Certificate authority = make_certificate({.name = "authority"});
  Certificate stranger = make_certificate({.name = "authority"});
  Files server_files{authority, {.name = "server"}}, client_files{authority, {.name = "client"}};
  std::optional<Serving> serving;
  std::optional<FakeMessages> fake;
};

TEST_F(SecurityTest, ThoseOfOneAuthorityHearEachOther) {
  serve_with(server_files.open().value());
  asked_with(client_files.open().value(), true);
}

TEST_F(SecurityTest, WhoSpeaksWithoutTlsIsRefused) {
  serve_with(server_files.open().value());
  EXPECT_NE(asked_with(nullptr, false), "");
  asked_with(client_files.open().value(), true);
}

TEST_F(SecurityTest, WhoseAuthorityIsAnotherIsRefusedByBothSides) {
  serve_with(server_files.open().value());
  Files other(stranger, {.name = "client"});
  const auto why = asked_with(other.open().value(), false);
  EXPECT_NE(why.find("certificate of the service at " + serving->address() + " is refused"),
            std::string::npos)
      << why;
  other.write_authority(authority);  // knows the server, and is not known
  const auto refused = asked_with(other.open().value(), false);
  EXPECT_NE(refused.find("refuses the certificate of this process"), std::string::npos) << refused;
  asked_with(client_files.open().value(), true);
}

TEST_F(SecurityTest, ACertificateOfAnotherAddressIsRefusedByName) {
  Files elsewhere(authority, {.name = "server", .address = "192.0.2.7"});
  serve_with(elsewhere.open().value());
  const auto why = asked_with(client_files.open().value(), false);
  EXPECT_NE(why.find("the certificate of the service at " + serving->address() +
                     " is refused: IP address mismatch"),
            std::string::npos)
      << why;
}

TEST_F(SecurityTest, WhoAsksForTlsWhereThereIsNoneIsTold) {
  serve_with(nullptr);
  EXPECT_NE(asked_with(client_files.open().value(), false), "");
  asked_with(nullptr, true);
}

TEST_F(SecurityTest, NewFilesAreTakenUpWhileConnectionsGoOnAndBadOnesAreNot) {
  const auto server = server_files.open().value();
  const auto client = client_files.open().value();
  serve_with(server);
  Asking before(serving->address(), Asking::quick(), client);
  before.start_and_connect();

  Files next(stranger, {.name = "client"});
  const auto with_next = next.open().value();
  EXPECT_NE(asked_with(with_next, false), "");

  server_files.write(Files::signed_by(stranger, {.name = "server"}));
  server_files.write_authority(stranger);
  ASSERT_TRUE(server->reload());
  // Single calls follow within seconds.
  ASSERT_TRUE(eventually([&] {
    Asking asking(serving->address(), Asking::quick(), with_next);
    asking.start();
    const bool reached = eventually([&] {
                           const auto missing = asking.link.missing();
                           return !missing || missing->why != "not connected yet";
                         }) &&
                         !asking.link.missing();
    asking.stop();
    return reached;
  }));
  EXPECT_FALSE(before.link.missing());

  server_files.write({"nonsense", "nonsense"});
  EXPECT_FALSE(server->reload());
  asked_with(with_next, true);
  before.stop();
}

TEST_F(SecurityTest, AnAuthorityThatIsNoneIsNamed) {
  std::ofstream(client_files.authority()) << "nonsense";
  const auto opened = client_files.open();
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("peer_tls.authority"), std::string::npos);
}

}  // namespace
}  // namespace parley::rpc::testing
