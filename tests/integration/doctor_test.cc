// `parleyd doctor` over a set that is well, and over what is broken in it.
#include <chrono>
#include <cstdlib>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "base/testing/certificate.h"
#include "tests/support/server/server_process.h"

namespace parley::testing {
namespace {

bool says(const Ended& doctor, const std::string& text) {
  return doctor.output.find(text) != std::string::npos;
}

/// The first line that has `text`.
std::string line_of(const Ended& doctor, const std::string& text) {
  const auto at = doctor.output.find(text);
  if (at == std::string::npos) return "no line has " + text + ":\n" + doctor.output;
  const auto begin = doctor.output.rfind('\n', at) + 1;
  return doctor.output.substr(begin, doctor.output.find('\n', at) - begin);
}

bool in_several() { return std::getenv("PARLEY_TEST_SHAPE") != nullptr; }

class Doctor : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { suite = std::make_unique<SuiteServer>(); }
  static void TearDownTestSuite() { suite.reset(); }

  static std::unique_ptr<SuiteServer> suite;
  ServerProcess& server = suite->server;
};
std::unique_ptr<SuiteServer> Doctor::suite;

TEST_F(Doctor, FindsNothingWrongWithASetThatIsWell) {
  const auto doctor = server.doctor();
  EXPECT_EQ(doctor.exit_code, 0) << doctor.output;
  EXPECT_TRUE(says(doctor, "is ready")) << doctor.output;
  EXPECT_TRUE(says(doctor, " 0 wrong")) << doctor.output;
}

TEST_F(Doctor, PrintsTheSameAsJson) {
  const auto doctor = server.doctor({"--json"});
  EXPECT_EQ(doctor.exit_code, 0) << doctor.output;
  google::protobuf::Struct told;
  const auto parsed = google::protobuf::util::JsonStringToMessage(doctor.output, &told);
  ASSERT_TRUE(parsed.ok()) << doctor.output;
  EXPECT_EQ(told.fields().at("wrong").number_value(), 0);
  const auto& checks = told.fields().at("checks").list_value();
  EXPECT_GE(checks.values_size(), in_several() ? 8 : 2) << doctor.output;
  for (const auto& check : checks.values())
    for (const auto* field : {"level", "what", "says"})
      EXPECT_TRUE(check.struct_value().fields().contains(field)) << doctor.output;
}

TEST_F(Doctor, NamesEachServerThatDoesNotAnswerAndWhatToDo) {
  const std::string nobody = "127.0.0.1:1";
  const auto doctor = server.doctor(
      {"--mysql-address", nobody, "--redis-address", nobody, "--cassandra-addresses", nobody});
  EXPECT_EQ(doctor.exit_code, 1) << doctor.output;
  for (const std::string name : {"MySQL", "Redis", "Cassandra"}) {
    const auto line = line_of(doctor, name + " at " + nobody);
    EXPECT_TRUE(line.starts_with("wrong ")) << line;
    EXPECT_NE(line.find("To do: see whether " + name), std::string::npos) << line;
  }
}

TEST_F(Doctor, KnowsCertificatesThatHaveExpiredOrSoonWill) {
  const auto look = [this](long for_days) {
    const CertificateFolder folder(make_certificate(
        {.valid_from_s = -9 * 86'400L, .valid_for_s = (9 + for_days) * 86'400L + 3'600}));
    return server.doctor(
        {"--server-tls_certificate", folder.certificate(), "--server-tls_key", folder.key()});
  };
  const auto good = look(40), soon = look(3), over = look(-2);
  EXPECT_TRUE(line_of(good, "is valid for 40 days").starts_with("ok ")) << good.output;
  EXPECT_TRUE(line_of(soon, "expires in 3 days").starts_with("warning ")) << soon.output;
  EXPECT_EQ(soon.exit_code, 0) << soon.output;
  EXPECT_TRUE(line_of(over, "has expired").starts_with("wrong ")) << over.output;
  EXPECT_EQ(over.exit_code, 1) << over.output;
}

TEST_F(Doctor, NamesAProcessThatIsGone) {
  const std::string gone = in_several() ? "auth" : "parleyd";
  if (in_several())
    server.kill_hard("auth");
  else
    server.kill_hard();
  auto doctor = server.doctor();
  EXPECT_EQ(doctor.exit_code, 1) << doctor.output;
  const auto line = line_of(doctor, gone + " at 127.0.0.1:");
  EXPECT_TRUE(line.starts_with("wrong ")) << line;
  EXPECT_NE(line.find("does not answer"), std::string::npos) << line;
  EXPECT_NE(line.find("To do: start it"), std::string::npos) << line;
  // Who needs it says so, once it has seen it.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(2);
  while (in_several() && !says(doctor, "is not ready: auth")) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << doctor.output;
    doctor = server.doctor();
  }
}

TEST(DoctorUsage, WrongUsageIsExitCode2) {
  EXPECT_EQ(run_program({parleyd_path(), "doctor", "--no-such-flag"}).exit_code, 2);
  EXPECT_EQ(run_program({parleyd_path(), "doctor", "--config", "/nowhere.toml"}).exit_code, 2);
  const auto bad = run_program({parleyd_path(), "doctor", "--admin", "auth=nowhere"});
  EXPECT_EQ(bad.exit_code, 2) << bad.output;
  EXPECT_NE(bad.output.find("[admin] auth"), std::string::npos) << bad.output;
}

}  // namespace
}  // namespace parley::testing
