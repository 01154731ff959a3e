#include <fstream>
#include <gtest/gtest.h>

#include "adapters/blobs/files/store.h"
#include "adapters/blobs/s3/store.h"
#include "tests/contract/blobs/subject.h"
#include "tests/support/backends/backends.h"
#include "tests/support/contract/failures.h"
#include "tests/support/contract/temp_folder.h"

namespace parley::test {
namespace {

class FilesUnderTest final : public BlobsUnderTest {
 public:
  BlobStore& store() override { return *store_; }
  const std::filesystem::path& folder() const { return folder_.path(); }

 private:
  TempFolder folder_;
  std::unique_ptr<BlobStore> store_ = blobs::FileBlobStore::open(folder_.path()).value();
};

/// A bucket of its own.
class S3UnderTest final : public BlobsUnderTest {
 public:
  explicit S3UnderTest(blobs::S3Settings other = {}) : settings(std::move(other)) {
    settings.endpoint = "http://" + backend("s3");
    settings.bucket = unique_name("blobs");
    std::ranges::replace(settings.bucket, '_', '-');
    settings.keys = {"parley", "parley-secret", "us-east-1"};
    blobs::S3Request make{"PUT", backend("s3"), "/" + settings.bucket, {}, {}};
    const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
    blobs::sign(make, settings.keys, blobs::sha256_hex(""), now);
    const auto made =
        http.call({"PUT", settings.endpoint + make.path, make.headers, {}, {}}).value();
    if (made.status != 200) throw std::runtime_error("the bucket was not made: " + made.body);
    store_ = std::make_unique<blobs::S3BlobStore>(clock, settings);
  }
  BlobStore& store() override { return *store_; }
  blobs::S3BlobStore& s3() { return *store_; }

  SystemClock clock;
  blobs::Http http{{}};
  blobs::S3Settings settings;

 private:
  std::unique_ptr<blobs::S3BlobStore> store_;
};

struct Adapter {
  const char* name;
  std::unique_ptr<BlobsUnderTest> (*make)();
};
const Adapter kAdapters[] = {
    {"Files",
     []() -> std::unique_ptr<BlobsUnderTest> { return std::make_unique<FilesUnderTest>(); }},
    {"S3", []() -> std::unique_ptr<BlobsUnderTest> { return std::make_unique<S3UnderTest>(); }},
};

class BlobsContract : public testing::TestWithParam<std::tuple<Adapter, BlobPromise>> {};

TEST_P(BlobsContract, Holds) {
  const auto& [adapter, promise] = GetParam();
  promise.holds(adapter.make()->store());
}
INSTANTIATE_TEST_SUITE_P(Adapters, BlobsContract,
                         testing::Combine(testing::ValuesIn(kAdapters),
                                          testing::ValuesIn(blob_promises().begin(),
                                                            blob_promises().end())),
                         [](const auto& row) {
                           return std::string(std::get<0>(row.param).name) + "_" +
                                  std::get<1>(row.param).name;
                         });

TEST(FileBlobs, AFlippedBitIsFoundByTheNextGet) {
  FilesUnderTest t;
  const auto content = bytes(100'000);
  ASSERT_TRUE(t.store().put("a", declared(content), source(content)));
  {
    std::fstream file(t.folder() / "blobs" / "a.@", std::ios::in | std::ios::out);
    file.seekp(50'000);
    file.put(static_cast<char>(content[50'000 - 512] ^ 1));
  }
  EXPECT_EQ(get(t.store(), "a").error().code, Code::damaged);
  std::filesystem::resize_file(t.folder() / "blobs" / "a.@", 60'000);
  EXPECT_EQ(t.store().stat("a").error().code, Code::damaged);
}

TEST(FileBlobs, WhatWasStoredAndBegunOutlivesTheProcessAndHalfWrittenFilesDoNot) {
  TempFolder folder;
  const auto content = bytes(100'000);
  std::string upload, etag;
  {
    auto store = blobs::FileBlobStore::open(folder.path()).value();
    ASSERT_TRUE(store->put("a", declared(content), source(content)));
    upload = store->begin_upload("b", declared(content)).value();
    etag = store->put_part("b", upload, 1, content).value();
    std::ofstream(folder.path() / "temporary" / "half") << "x";
  }
  auto store = blobs::FileBlobStore::open(folder.path()).value();
  EXPECT_TRUE(std::filesystem::is_empty(folder.path() / "temporary"));
  EXPECT_EQ(get(*store, "a").value(), content);
  ASSERT_TRUE(store->complete_upload("b", upload, std::vector<BlobPart>{{1, etag}}));
  EXPECT_EQ(get(*store, "b").value(), content);
}

TEST(S3Blobs, PresignedUrlsAreGoodUntilTheyExpireAndForWhatTheySayAlone) {
  S3UnderTest t;
  const auto content = bytes(100'000);
  ASSERT_TRUE(t.store().put("a", declared(content), source(content)));
  ASSERT_TRUE(t.store().put("b", declared(content), source(content)));
  const auto status = [&](const std::string& method, const std::string& url,
                          std::string_view body = {}) {
    return t.http.call({method, url, {}, body, {}}).value().status;
  };
  const auto url = t.s3().download_url("a", std::chrono::seconds(60));
  EXPECT_EQ(t.http.call({"GET", url, {}, {}, {}}).value().body, content);
  EXPECT_EQ(status("DELETE", url), 403u);
  auto other = url;
  other.replace(other.find("/a?"), 3, "/b?");
  EXPECT_EQ(status("GET", other), 403u);
  auto longer = url;
  longer.replace(longer.find("Expires=60"), 10, "Expires=90");
  EXPECT_EQ(status("GET", longer), 403u);
  EXPECT_EQ(status("GET", url.substr(0, url.find('?'))), 403u) << "nothing is public";
  t.clock.shift(std::chrono::minutes(-5));
  EXPECT_EQ(status("GET", t.s3().download_url("a", std::chrono::seconds(60))), 403u);
  EXPECT_EQ(status("GET", t.s3().download_url("a", std::chrono::seconds(600))), 200u);
}

TEST(S3Blobs, APartIsUploadedByItsUrl) {
  S3UnderTest t;
  const auto content = bytes(100'000);
  const auto upload = t.store().begin_upload("a", declared(content)).value();
  const auto url = t.s3().part_url("a", upload, 1, std::chrono::seconds(60));
  const auto put = t.http.call({"PUT", url, {}, content, {}}).value();
  ASSERT_EQ(put.status, 200u) << put.body;
  auto etag = put.headers.at("etag");
  std::erase(etag, '"');
  auto second = url;
  second.replace(second.find("partNumber=1"), 12, "partNumber=2");
  EXPECT_EQ(t.http.call({"PUT", second, {}, content, {}}).value().status, 403u);
  ASSERT_TRUE(t.store().complete_upload("a", upload, std::vector<BlobPart>{{1, etag}}));
  EXPECT_EQ(get(t.store(), "a").value(), content);
}

TEST(S3Blobs, AServerThatIsNotThereIsUnavailableAndWrongKeysAreOurFault) {
  S3UnderTest t;
  auto settings = t.settings;
  settings.first_pause = std::chrono::milliseconds(1);
  settings.keys.secret = "wrong";
  EXPECT_EQ(blobs::S3BlobStore(t.clock, settings).stat("a").error().code, Code::internal);
  settings = t.settings;
  settings.first_pause = std::chrono::milliseconds(1);
  settings.endpoint = "http://127.0.0.1:1";
  const auto error = blobs::S3BlobStore(t.clock, settings).stat("a").error();
  EXPECT_EQ(error.code, Code::unavailable);
  EXPECT_GT(error.retry_after_ms, 0u);
}

/// Answers before it has looked at the bytes.
class Trusting final : public BlobStore {
 public:
  explicit Trusting(BlobStore& inner) : inner_(inner) {}
  Result<BlobInfo> put(const std::string& name, const BlobDeclared& about,
                       const BlobSource& next) override {
    std::string all, piece(1 << 16, '\0');
    for (;;) {
      PARLEY_TRY(got, next(piece));
      if (got == 0) break;
      all.append(piece, 0, got);
    }
    return inner_.put(name, declared(all, about.content_type), source(all));
  }
  Result<BlobInfo> get(const std::string& n, std::optional<BlobRange> r,
                       const BlobSink& s) override {
    return inner_.get(n, r, s);
  }
  Result<BlobInfo> stat(const std::string& n) override { return inner_.stat(n); }
  Result<void> remove(const std::string& n) override { return inner_.remove(n); }
  Result<std::string> begin_upload(const std::string& n, const BlobDeclared& d) override {
    return inner_.begin_upload(n, d);
  }
  Result<std::string> put_part(const std::string& n, const std::string& u, unsigned i,
                               std::string_view b) override {
    return inner_.put_part(n, u, i, b);
  }
  Result<BlobInfo> complete_upload(const std::string& n, const std::string& u,
                                   std::span<const BlobPart> p) override {
    return inner_.complete_upload(n, u, p);
  }
  Result<void> abort_upload(const std::string& n, const std::string& u) override {
    return inner_.abort_upload(n, u);
  }
  Result<std::size_t> abort_older(std::chrono::milliseconds) override { return 0; }

 private:
  BlobStore& inner_;
};

TEST(BlobsContractItself, FindsOneThatTrustsAndNeverCleans) {
  std::vector<std::string> broken;
  for (const auto& promise : blob_promises()) {
    FilesUnderTest right;
    Trusting wrong(right.store());
    if (!failures_of([&] { promise.holds(wrong); }).empty()) broken.emplace_back(promise.name);
  }
  EXPECT_EQ(broken, (std::vector<std::string>{"OtherBytesThanDeclaredAreRefusedAndChangeNothing",
                                              "WrongNamesAndDeclarationsAreRefused",
                                              "AbandonedUploadsAreCleaned"}));
}

}  // namespace
}  // namespace parley::test
