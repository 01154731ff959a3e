#include "adapters/shared/sqlite/database.h"

#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace parley::sqlite {
namespace {

const std::vector<sql::Migration> kOne = {
    {1, {"CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL)"}}};
const std::vector<sql::Migration> kTwo = {
    kOne[0], {2, {"ALTER TABLE notes ADD COLUMN stars BIGINT NOT NULL DEFAULT 0"}}};

class DatabaseTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern =
        (std::filesystem::temp_directory_path() / "parley sqlite XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(root_); }

  Result<std::unique_ptr<Database>> open(std::span<const sql::Migration> migrations = kOne) {
    return Database::open({.folder = root_ / "notes"}, {"notes", migrations});
  }
  std::filesystem::path file() const { return root_ / "notes" / "notes.db"; }

  std::filesystem::path root_;
};

Result<void> add(Database& db, int id, const std::string& text) {
  return db.write([&](soci::session& s) -> Result<void> {
    s << "INSERT INTO notes (id, text) VALUES (:id, :text)", soci::use(id), soci::use(text);
    return {};
  });
}
int count(Database& db) {
  return db
      .read([](soci::session& s) -> Result<int> {
        int n = 0;
        s << "SELECT COUNT(*) FROM notes", soci::into(n);
        return n;
      })
      .value();
}

TEST_F(DatabaseTest, KeepsWhatWasCommitted) {
  {
    auto db = open();
    ASSERT_TRUE(db) << db.error().message;
    ASSERT_TRUE(add(**db, 1, "one"));
    EXPECT_EQ(count(**db), 1);
  }
  auto again = open();
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(count(**again), 1);
}

TEST_F(DatabaseTest, IsPrivate) {
  auto db = open();
  ASSERT_TRUE(db);
  ASSERT_TRUE(add(**db, 1, "one"));
  struct stat info{};
  ASSERT_EQ(::stat((root_ / "notes").c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777, 0700u);
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root_ / "notes")) {
    ASSERT_EQ(::stat(entry.path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600u) << entry.path();
    ++files;
  }
  EXPECT_GE(files, 4);  // LOCK, the file, its log, the log's index
}

TEST_F(DatabaseTest, UndoesWhatFails) {
  auto db = open();
  ASSERT_TRUE(db);
  auto failed = (*db)->write([](soci::session& s) -> Result<void> {
    s << "INSERT INTO notes (id, text) VALUES (1, 'one')";
    return fail(Code::conflict, "no");
  });
  EXPECT_EQ(failed.error().code, Code::conflict);
  EXPECT_EQ(count(**db), 0);
  auto thrown = (*db)->write([](soci::session& s) -> Result<void> {
    s << "INSERT INTO notes (id, text) VALUES (1, 'one')";
    s << "INSERT INTO nowhere (id) VALUES (1)";
    return {};
  });
  EXPECT_EQ(thrown.error().code, Code::internal);
  EXPECT_EQ(count(**db), 0);
  ASSERT_TRUE(add(**db, 1, "one"));
  EXPECT_EQ(add(**db, 1, "two").error().code, Code::already_exists);
}

TEST_F(DatabaseTest, SyncsEveryCommit) {
  auto db = open();
  ASSERT_TRUE(db);
  auto said = (*db)->write([](soci::session& s) -> Result<std::string> {
    std::string mode;
    int synchronous = 0, keys = 0;
    s << "PRAGMA journal_mode", soci::into(mode);
    s << "PRAGMA synchronous", soci::into(synchronous);
    s << "PRAGMA foreign_keys", soci::into(keys);
    return fmt::format("{} {} {}", mode, synchronous, keys);
  });
  EXPECT_EQ(said.value(), "wal 2 1");
}

TEST_F(DatabaseTest, SaysWhenTheDiskIsFullAndWorksAgainAfter) {
  auto db = open();
  ASSERT_TRUE(db);
  const auto limit = [&](int pages) {
    return (*db)->write([&](soci::session& s) -> Result<void> {
      int now = 0;
      s << "PRAGMA max_page_count=" << pages, soci::into(now);
      return {};
    });
  };
  ASSERT_TRUE(limit(8));
  const std::string large(64 * 1024, 'x');
  const auto full = add(**db, 1, large);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, Code::storage_full);
  EXPECT_GT(full.error().retry_after_ms, 0u);
  EXPECT_EQ(count(**db), 0);
  ASSERT_TRUE(limit(1000));
  EXPECT_TRUE(add(**db, 1, large));
}

TEST_F(DatabaseTest, RefusesASecondProcess) {
  auto db = open();
  ASSERT_TRUE(db);
  const pid_t child = ::fork();
  if (child == 0) {
    auto second = open();
    const bool refused = !second && second.error().code == Code::unavailable &&
                         second.error().message.find("another process uses") != std::string::npos;
    ::_exit(refused ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  auto here = open();
  EXPECT_EQ(here.error().code, Code::unavailable);
}

TEST_F(DatabaseTest, MigratesFromWhereItStandsAndRefusesANewerOne) {
  {
    auto db = open(kOne);
    ASSERT_TRUE(db);
    ASSERT_TRUE(add(**db, 1, "one"));
  }
  {
    auto db = open(kTwo);
    ASSERT_TRUE(db) << db.error().message;
    auto stars = (*db)->read([](soci::session& s) -> Result<int> {
      int n = -1;
      s << "SELECT stars FROM notes WHERE id = 1", soci::into(n);
      return n;
    });
    EXPECT_EQ(stars.value(), 0);
  }
  auto old = open(kOne);
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().code, Code::unsupported);
  EXPECT_NE(old.error().message.find("schema version 2"), std::string::npos);
}

TEST_F(DatabaseTest, AFailedMigrationChangesNothing) {
  const std::vector<sql::Migration> broken = {kOne[0],
                                              {2, {"CREATE TABLE more (id INTEGER)", "WRONG"}}};
  EXPECT_FALSE(open(broken));
  auto db = open(kOne);
  ASSERT_TRUE(db) << db.error().message;
  auto tables = (*db)->read([](soci::session& s) -> Result<int> {
    int n = -1;
    s << "SELECT COUNT(*) FROM sqlite_master WHERE name = 'more'", soci::into(n);
    return n;
  });
  EXPECT_EQ(tables.value(), 0);
}

TEST_F(DatabaseTest, RefusesADamagedFileByNameAndLeavesIt) {
  {
    auto db = open();
    ASSERT_TRUE(db);
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(add(**db, i, std::string(100, 'x')));
  }
  const auto overwrite = [&](std::streamoff at, std::size_t size) {
    std::fstream out(file(), std::ios::in | std::ios::out | std::ios::binary);
    out.seekp(at);
    out << std::string(size, '\x5a');
  };
  const auto bytes = [&] {
    std::ifstream in(file(), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  };
  const std::string good = bytes();
  for (const std::streamoff at : {std::streamoff(0), std::streamoff(4096 + 2)}) {
    overwrite(at, 64);
    const std::string before = bytes();
    auto refused = open();
    ASSERT_FALSE(refused) << at;
    EXPECT_EQ(refused.error().code, Code::damaged) << at;
    EXPECT_NE(refused.error().message.find(file().string()), std::string::npos);
    EXPECT_EQ(bytes(), before) << at;
    std::ofstream(file(), std::ios::binary) << good;
  }
  EXPECT_TRUE(open());
}

TEST_F(DatabaseTest, SaysWhatCannotBeOpened) {
  std::ofstream(root_ / "notes") << "a file where the folder should be";
  auto refused = open();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("notes"), std::string::npos);
}

TEST_F(DatabaseTest, ManyThreadsReadAndWrite) {
  auto db = open();
  ASSERT_TRUE(db);
  std::vector<std::thread> threads;
  std::atomic<int> failures{0};
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        if (!add(**db, t * 100 + i, "x")) ++failures;
        count(**db);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(count(**db), 80);
}

}  // namespace
}  // namespace parley::sqlite
