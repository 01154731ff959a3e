// What every BlobStore promises (src/ports/blobs.h).
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <random>
#include <thread>

#include "tests/contract/blobs/subject.h"

namespace parley::test {

std::string bytes(std::size_t size, unsigned seed) {
  std::minstd_rand random(seed);
  std::string out(size, '\0');
  for (auto& c : out) c = static_cast<char>(random() >> 7);
  return out;
}

BlobDeclared declared(std::string_view bytes, std::string type) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  BlobDeclared out{bytes.size(), {}, std::move(type)};
  for (unsigned i = 0; i < size; ++i) {
    out.sha256 += "0123456789abcdef"[digest[i] >> 4];
    out.sha256 += "0123456789abcdef"[digest[i] & 15];
  }
  return out;
}

BlobSource source(std::string_view bytes) {
  return [bytes, n = std::size_t{1}](std::span<char> buffer) mutable -> Result<std::size_t> {
    n = n * 7 % 100'003 + 1;
    const auto part = bytes.substr(0, std::min(buffer.size(), n));
    std::ranges::copy(part, buffer.begin());
    bytes.remove_prefix(part.size());
    return part.size();
  };
}

Result<std::string> get(BlobStore& store, const std::string& name, std::optional<BlobRange> range) {
  std::string out;
  PARLEY_TRY(info, store.get(name, range, [&](std::string_view part) -> Result<void> {
    EXPECT_LE(part.size(), std::size_t{1} << 20);
    out += part;
    return {};
  }));
  if (!range) EXPECT_EQ(info.size, out.size());
  return out;
}

namespace {

constexpr std::size_t kLarge = (17 << 20) + 3;

template <class T>
Code code_of(const Result<T>& result) {
  EXPECT_FALSE(result) << "succeeded";
  return result ? Code::internal : result.error().code;
}

constexpr BlobPromise kPromises[] = {
    {"WhatWasPutIsThere",
     [](BlobStore& store) {
       for (const std::size_t size :
            {std::size_t{0}, std::size_t{1}, std::size_t{100'000}, std::size_t{8} << 20, kLarge}) {
         const auto content = bytes(size);
         const auto about = declared(content);
         const auto put = store.put("a/b", about, source(content));
         ASSERT_TRUE(put) << put.error().message;
         const auto info = store.stat("a/b");
         ASSERT_TRUE(info) << info.error().message;
         EXPECT_EQ(info->size, size);
         EXPECT_EQ(info->sha256, about.sha256);
         EXPECT_EQ(info->content_type, "image/png");
         EXPECT_FALSE(info->etag.empty());
         EXPECT_EQ(put->etag, info->etag);
         EXPECT_TRUE(get(store, "a/b") == content) << size;
       }
     }},
    {"APutReplacesAndHasAnotherEtag",
     [](BlobStore& store) {
       const auto one = bytes(1'000, 1), two = bytes(2'000, 2);
       const auto first = store.put("a", declared(one), source(one)).value();
       const auto second = store.put("a", declared(two, "text/plain"), source(two)).value();
       EXPECT_NE(first.etag, second.etag);
       EXPECT_EQ(get(store, "a").value(), two);
       EXPECT_EQ(store.stat("a").value().content_type, "text/plain");
     }},
    {"NamesMayBeginAlike",
     [](BlobStore& store) {
       const auto one = bytes(10, 1), two = bytes(10, 2);
       ASSERT_TRUE(store.put("a/b", declared(one), source(one)));
       ASSERT_TRUE(store.put("a/bc/d.e_f-G", declared(two), source(two)));
       EXPECT_EQ(get(store, "a/b").value(), one);
       EXPECT_EQ(get(store, "a/bc/d.e_f-G").value(), two);
     }},
    {"RangesAreAsInHttp",
     [](BlobStore& store) {
       const auto content = bytes(3'000'000);
       ASSERT_TRUE(store.put("a", declared(content), source(content)));
       EXPECT_EQ(get(store, "a", BlobRange{0, 0}).value(), content.substr(0, 1));
       EXPECT_EQ(get(store, "a", BlobRange{1'000, 2'500'000}).value(),
                 content.substr(1'000, 2'499'001));
       EXPECT_EQ(get(store, "a", BlobRange{2'999'999}).value(), content.substr(2'999'999));
       EXPECT_EQ(get(store, "a", BlobRange{10, 9'000'000}).value(), content.substr(10));
       std::uint64_t size = 0;
       size = store.get("a", BlobRange{5, 6}, [](auto) { return Result<void>(); }).value().size;
       EXPECT_EQ(size, content.size()) << "of the whole";
       EXPECT_EQ(code_of(get(store, "a", BlobRange{3'000'000})), Code::invalid_argument);
       EXPECT_EQ(code_of(get(store, "a", BlobRange{7, 6})), Code::invalid_argument);
     }},
    {"WhatIsNotThereIsNotFound",
     [](BlobStore& store) {
       EXPECT_EQ(code_of(store.stat("a")), Code::not_found);
       EXPECT_EQ(code_of(get(store, "a")), Code::not_found);
       EXPECT_TRUE(store.remove("a"));
       const auto content = bytes(10);
       ASSERT_TRUE(store.put("a", declared(content), source(content)));
       EXPECT_TRUE(store.remove("a"));
       EXPECT_EQ(code_of(store.stat("a")), Code::not_found);
       EXPECT_TRUE(store.remove("a"));
     }},
    {"OtherBytesThanDeclaredAreRefusedAndChangeNothing",
     [](BlobStore& store) {
       const auto old = bytes(10, 9);
       for (const std::size_t size : {std::size_t{1'000}, kLarge}) {
         ASSERT_TRUE(store.put("a", declared(old), source(old)));
         const auto content = bytes(size);
         auto wrong = content;
         wrong[size / 2] ^= 1;
         EXPECT_EQ(code_of(store.put("a", declared(content), source(wrong))), Code::damaged);
         EXPECT_EQ(code_of(store.put("a", declared(content), source(content + "x"))),
                   Code::damaged);
         EXPECT_EQ(code_of(store.put("a", declared(content + "x"), source(content))),
                   Code::damaged);
         EXPECT_EQ(get(store, "a").value(), old);
       }
       EXPECT_EQ(store.abort_older(std::chrono::hours(-1)).value(), 0u) << "nothing is left behind";
     }},
    {"AFailureOfTheOtherSideIsTheAnswer",
     [](BlobStore& store) {
       const auto content = bytes(3'000'000);
       EXPECT_EQ(code_of(store.put("a", declared(content),
                                   [](auto) -> Result<std::size_t> {
                                     return fail(Code::busy, "the client is gone");
                                   })),
                 Code::busy);
       EXPECT_EQ(code_of(store.stat("a")), Code::not_found);
       ASSERT_TRUE(store.put("a", declared(content), source(content)));
       EXPECT_EQ(code_of(store.get(
                     "a", {},
                     [](auto) -> Result<void> { return fail(Code::busy, "the client is gone"); })),
                 Code::busy);
     }},
    {"WrongNamesAndDeclarationsAreRefused",
     [](BlobStore& store) {
       const auto content = bytes(10);
       for (const char* name : {"", "/a", "a/", "a//b", "../a", "a/../b", ".a", "a b", "a%2e"}) {
         EXPECT_EQ(code_of(store.put(name, declared(content), source(content))),
                   Code::invalid_argument)
             << name;
         EXPECT_EQ(code_of(store.stat(name)), Code::not_found) << name;
         EXPECT_EQ(code_of(store.begin_upload(name, declared(content))), Code::invalid_argument);
       }
       auto about = declared(content);
       about.sha256 = "abc";
       EXPECT_EQ(code_of(store.put("a", about, source(content))), Code::invalid_argument);
       about = declared(content, "text/plain\r\nx: y");
       EXPECT_EQ(code_of(store.put("a", about, source(content))), Code::invalid_argument);
     }},
    {"AnUploadInPartsIsWholeWhenItIsCompleted",
     [](BlobStore& store) {
       const auto content = bytes(kLarge);
       const std::string_view all = content;
       const auto upload = store.begin_upload("a/b", declared(content)).value();
       std::vector<BlobPart> parts(3);
       for (const unsigned number : {3u, 1u, 2u}) {  // in any order, and again
         const auto part = all.substr((number - 1) * (6 << 20), 6 << 20);
         ASSERT_TRUE(store.put_part("a/b", upload, number, bytes(6 << 20, number)));
         parts[number - 1] = {number, store.put_part("a/b", upload, number, part).value()};
       }
       EXPECT_EQ(code_of(store.stat("a/b")), Code::not_found);
       const auto info = store.complete_upload("a/b", upload, parts);
       ASSERT_TRUE(info) << info.error().message;
       EXPECT_EQ(info->size, content.size());
       EXPECT_EQ(info->sha256, declared(content).sha256);
       EXPECT_EQ(info->content_type, "image/png");
       EXPECT_TRUE(get(store, "a/b") == content);
       const auto again = store.complete_upload("a/b", upload, parts);
       EXPECT_EQ(again ? again->etag : info->etag, info->etag);
       EXPECT_TRUE(again || again.error().code == Code::not_found) << again.error().message;
       EXPECT_TRUE(get(store, "a/b") == content);
     }},
    {"AnUploadOfAnotherSizeIsRefused",
     [](BlobStore& store) {
       const auto content = bytes(1'000);
       const auto upload = store.begin_upload("a", declared(content + "x")).value();
       const std::vector<BlobPart> parts{{1, store.put_part("a", upload, 1, content).value()}};
       EXPECT_EQ(code_of(store.complete_upload("a", upload, parts)), Code::damaged);
       EXPECT_EQ(code_of(store.stat("a")), Code::not_found);
     }},
    {"AnAbortedUploadIsGone",
     [](BlobStore& store) {
       const auto content = bytes(1'000);
       const auto upload = store.begin_upload("a", declared(content)).value();
       ASSERT_TRUE(store.put_part("a", upload, 1, content));
       EXPECT_TRUE(store.abort_upload("a", upload));
       EXPECT_TRUE(store.abort_upload("a", upload));
       EXPECT_EQ(code_of(store.put_part("a", upload, 1, content)), Code::not_found);
       EXPECT_EQ(code_of(store.stat("a")), Code::not_found);
     }},
    {"AbandonedUploadsAreCleaned",
     [](BlobStore& store) {
       const auto content = bytes(1'000);
       std::vector<std::string> uploads;
       for (const char* name : {"a", "b/c", "b/c"}) {
         uploads.push_back(store.begin_upload(name, declared(content)).value());
         ASSERT_TRUE(store.put_part(name, uploads.back(), 1, content));
       }
       EXPECT_EQ(store.abort_older(std::chrono::hours(1)).value(), 0u);
       ASSERT_TRUE(store.put_part("a", uploads[0], 1, content)) << "these are young";
       EXPECT_EQ(store.abort_older(std::chrono::hours(-1)).value(), 3u);
       EXPECT_EQ(code_of(store.put_part("a", uploads[0], 1, content)), Code::not_found);
       EXPECT_EQ(store.abort_older(std::chrono::hours(-1)).value(), 0u);
     }},
    {"ManyThreadsPutAndGet",
     [](BlobStore& store) {
       std::vector<std::thread> threads;
       for (unsigned n = 0; n < 8; ++n)
         threads.emplace_back([&store, n] {
           const auto content = bytes(200'000, n);
           for (int i = 0; i < 5; ++i) {
             const auto name = "t/" + std::to_string(n);
             EXPECT_TRUE(store.put(name, declared(content), source(content)));
             EXPECT_TRUE(get(store, name) == content);
           }
         });
       for (auto& thread : threads) thread.join();
     }},
};

}  // namespace

std::span<const BlobPromise> blob_promises() { return kPromises; }

}  // namespace parley::test
