#include "adapters/shared/mysql/failure.h"

#include <gtest/gtest.h>
#include <soci/mysql/soci-mysql.h>

namespace parley::mysql {
namespace {

Failure of(int number, const std::string& text = "") {
  return failure_of(soci::mysql_soci_error(text, number));
}

TEST(Failure, WantOfSpaceIsSaidSo) {
  EXPECT_EQ(of(1021).error.code, Code::storage_full);
  EXPECT_EQ(of(1114).error.code, Code::storage_full);
  EXPECT_EQ(of(3).error.code, Code::storage_full);
  const std::string full = "Got error 28 \"No space left on device\" from storage engine InnoDB";
  EXPECT_EQ(of(1030, full).error.code, Code::storage_full);
  EXPECT_EQ(
      of(1026, "Error writing file './x' (Errcode: 28 \"No space left on device\")").error.code,
      Code::storage_full);
  EXPECT_EQ(of(1030, "Got error 128 \"x\" from storage engine").error.code, Code::internal);
}

TEST(Failure, WhoeverLostToAnotherTransactionMayTryAgain) {
  for (const int number : {1205, 1213}) {
    EXPECT_EQ(of(number).kind, Failure::Kind::contended);
    EXPECT_EQ(of(number).error.code, Code::busy);
    EXPECT_GT(of(number).error.retry_after_ms, 0u);
  }
  EXPECT_EQ(of(1062).kind, Failure::Kind::duplicate);
  EXPECT_EQ(of(1062).error.code, Code::already_exists);
}

TEST(Failure, ALostServerIsUnavailable) {
  for (const int number : {2002, 2003, 2006, 2013, 1053, 1290, 1927}) {
    EXPECT_EQ(of(number).kind, Failure::Kind::lost) << number;
    EXPECT_EQ(of(number).error.code, Code::unavailable) << number;
  }
  EXPECT_EQ(of(1040).error.code, Code::busy);
}

TEST(Failure, ARefusedUserIsNotWaitedForAtTheStart) {
  const auto at_start = [](int number) {
    return error_at_start({}, soci::mysql_soci_error("Access denied", number)).code;
  };
  for (const int number : {1044, 1045, 1130}) {
    EXPECT_EQ(at_start(number), Code::forbidden) << number;
    EXPECT_EQ(of(number).error.code, Code::unavailable) << number;
  }
  for (const int number : {2002, 2003, 2005, 2013, 1053})
    EXPECT_EQ(at_start(number), Code::unavailable);
  EXPECT_EQ(at_start(1040), Code::busy);
}

TEST(Failure, NoTextOfTheServerIsPassedOn) {
  for (const int number : {1062, 1064, 1366, 1406, 1205, 2013, 1146, 9999}) {
    const auto failure = of(number, "Duplicate entry '$argon2id$secret' for key");
    EXPECT_EQ(failure.error.message.find("secret"), std::string::npos) << number;
    EXPECT_FALSE(failure.error.message.empty());
  }
  EXPECT_EQ(failure_of(std::runtime_error("secret")).error.message.find("secret"),
            std::string::npos);
}

}  // namespace
}  // namespace parley::mysql
