#include "net/http_reader.h"

#include <gtest/gtest.h>
#include <vector>

#include "net/http_encode.h"

namespace parley::net {
namespace {

using Kind = HttpReader::Kind;
constexpr HttpLimits kLimits{1024, 100};

/// Feeds the pieces as the edge does: what was not taken comes again, with the next piece behind.
struct Reading {
  std::vector<HttpRequest> requests;
  unsigned refused = 0;
  bool continued = false;
};
Reading read_all(const std::vector<std::string>& pieces) {
  HttpReader reader;
  Reading out;
  std::string unread;
  for (const auto& piece : pieces) {
    unread += piece;
    char* at = unread.data();
    char* end = at + unread.size();
    for (bool more = true; more && at != end;) {
      switch (reader.next(at, end, kLimits)) {
        case Kind::need_more:
          out.continued |= reader.wants_continue();
          more = false;
          break;
        case Kind::request:
          out.requests.push_back(reader.take_request());
          break;
        case Kind::refused:
          out.refused = reader.refusal().status;
          return out;
      }
    }
    unread.erase(0, static_cast<std::size_t>(at - unread.data()));
  }
  return out;
}

const std::string kStream =
    "POST /v1/messages?x=1 HTTP/1.1\r\nHost: h\r\ncontent-length: 5\r\nX-Two: a\r\n\r\nhello"
    "GET / HTTP/1.1\r\nHost: h\r\n\r\n"
    "PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;e=1\r\ndefg\r\n"
    "0\r\n\r\n"
    "GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

void expect_stream(const Reading& reading) {
  ASSERT_EQ(reading.refused, 0U);
  ASSERT_EQ(reading.requests.size(), 4U);
  EXPECT_EQ(reading.requests[0].method, "POST");
  EXPECT_EQ(reading.requests[0].target, "/v1/messages?x=1");
  EXPECT_EQ(reading.requests[0].header("x-tWo"), "a");
  EXPECT_EQ(reading.requests[0].header("absent"), "");
  EXPECT_EQ(reading.requests[0].body, "hello");
  EXPECT_TRUE(reading.requests[0].keep_alive);
  EXPECT_EQ(reading.requests[1].body, "");
  EXPECT_EQ(reading.requests[2].body, "abcdefg");
  EXPECT_EQ(reading.requests[3].target, "/last");
  EXPECT_FALSE(reading.requests[3].keep_alive);
}

TEST(HttpReader, ReadsTheSameInAnyPieces) {
  expect_stream(read_all({kStream}));
  for (std::size_t cut = 1; cut < kStream.size(); ++cut)
    expect_stream(read_all({kStream.substr(0, cut), kStream.substr(cut)}));
  std::vector<std::string> bytes;
  for (const char c : kStream) bytes.emplace_back(1, c);
  expect_stream(read_all(bytes));
}

TEST(HttpReader, NamesWhatItRefuses) {
  EXPECT_EQ(read_all({"hello\r\n\r\n"}).refused, 400U);
  EXPECT_EQ(read_all({"GET / HTTP/2.0\r\nHost: h\r\n\r\n"}).refused, 400U);
  EXPECT_EQ(read_all({"GET / HTTP/1.1\r\n\r\n"}).refused, 400U) << "no Host";
  EXPECT_EQ(read_all({"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"}).refused, 400U);
  EXPECT_EQ(read_all({"GET / HTTP/1.1\r\nHost: h\r\nX: " + std::string(1024, 'x')}).refused, 431U);
  EXPECT_EQ(read_all({"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 101\r\n\r\n"}).refused, 413U);
  EXPECT_EQ(read_all({"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" +
                      std::string("40\r\n") + std::string(64, 'x') + "\r\n40\r\n" +
                      std::string(64, 'x') + "\r\n"})
                .refused,
            413U);
}

TEST(HttpReader, DoesNotGuessWhereAnAmbiguousBodyEnds) {
  EXPECT_EQ(read_all({"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n"
                      "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"})
                .refused,
            400U);
  EXPECT_EQ(read_all({"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 4\r\n"
                      "\r\nabcd"})
                .refused,
            400U);
}

TEST(HttpReader, BoundsWhatSurroundsAChunkedBody) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string much(1100, 'x');
  EXPECT_EQ(read_all({head, "3;" + much}).refused, 431U) << "an extension";
  EXPECT_EQ(read_all({head, "0\r\n", "T: " + much}).refused, 431U) << "a trailer";
}

TEST(HttpReader, ReadsAnEmptyChunkedBodyInAnyPieces) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  EXPECT_EQ(read_all({head + "0\r\n", "\r", "\n"}).requests.size(), 1U);
  EXPECT_EQ(read_all({head, "0", "\r", "\n", "\r", "\n" + head, "0\r\n\r\n"}).requests.size(), 2U);
}

TEST(HttpReader, KnowsWhoWaitsForContinue) {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n";
  EXPECT_TRUE(read_all({head + "Expect: 100-continue\r\n\r\n", "hello"}).continued);
  EXPECT_FALSE(read_all({head + "Expect: 100-continue\r\n\r\nhello"}).continued);
  EXPECT_FALSE(read_all({head + "\r\n", "hello"}).continued);
}

TEST(HttpEncode, WritesAWholeResponse) {
  const HttpResponse response{.status = 200,
                              .content_type = "text/plain",
                              .body = "hello",
                              .headers = {{"X-Evil", "a\r\nSet-Cookie: b"}}};
  const auto date = http_date(TimeMs(784111777000));
  EXPECT_EQ(date, "Sun, 06 Nov 1994 08:49:37 GMT");
  const std::string head =
      "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Type: text/plain\r\n"
      "Content-Length: 5\r\nX-Evil: a  Set-Cookie: b\r\nX-Content-Type-Options: nosniff\r\n";
  EXPECT_EQ(encode_response(response, true, false, date).view(),
            head + "Connection: keep-alive\r\n\r\nhello");
  EXPECT_EQ(encode_response(response, false, true, date).view(),
            head + "Connection: close\r\n\r\n");
  EXPECT_EQ(encode_response({.status = 204}, true, false, date).view().find("Content-Length"),
            std::string_view::npos);
}

TEST(HttpError, IsJson) {
  EXPECT_EQ(http_error(400, Code::malformed, "a \"b\" \\ \n").body,
            R"({"error":{"code":"malformed","message":"a \"b\" \\ \u000a"}})");
}

TEST(HttpError, SaysWhenToComeAgainWhereThatHelps) {
  const auto busy = http_error(503, Code::busy, "full", std::chrono::seconds(10));
  EXPECT_EQ(
      busy.body,
      R"({"error":{"code":"busy","message":"full","retryable":true,"retry_after_ms":10000}})");
  EXPECT_EQ(busy.headers, (HttpHeaders{{"Retry-After", "10"}}));
  EXPECT_TRUE(http_error(404, Code::not_found, "no").headers.empty());
}

}  // namespace
}  // namespace parley::net
