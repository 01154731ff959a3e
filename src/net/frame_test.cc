#include "net/frame.h"

#include <gtest/gtest.h>
#include <vector>

#include "net/edge.h"
#include "net/mask.h"
#include "net/testing/client.h"

namespace parley::net {
namespace {

using testing::client_frame;
using Kind = FrameReader::Kind;
using namespace std::string_literals;

struct Seen {
  Kind kind;
  std::string payload;
  CloseCode code = CloseCode::normal;
  bool operator==(const Seen&) const = default;
};

constexpr std::size_t kMax = 70'000;

/// Feeds the pieces to one reader.
std::vector<Seen> read_all(const std::vector<std::string>& pieces, std::size_t max = kMax) {
  FrameReader reader;
  std::vector<Seen> seen;
  for (auto piece : pieces) {
    char* at = piece.data();
    char* end = at + piece.size();
    while (at != end) {
      const auto event = reader.next(at, end, max);
      if (event.kind == Kind::need_more) {
        EXPECT_EQ(at, end) << "need_more takes everything";
        break;
      }
      seen.push_back({event.kind, std::string(event.payload), event.code});
      if (event.kind == Kind::violation) return seen;
    }
  }
  return seen;
}

std::vector<Seen> violated(CloseCode code) { return {{Kind::violation, "", code}}; }

TEST(Mask, IsTheSameInAnyPieces) {
  const std::uint32_t key = 0xA1B2C3D4;
  for (std::size_t size = 0; size < 40; ++size) {
    std::string plain, masked;
    for (std::size_t i = 0; i < size; ++i) {
      plain += static_cast<char>(i * 7);
      masked += static_cast<char>(plain.back() ^ static_cast<char>(key >> (8 * (i % 4))));
    }
    for (std::size_t cut = 0; cut <= size; ++cut) {
      auto text = masked;
      const auto next = unmask(text.data(), cut, key);
      unmask(text.data() + cut, size - cut, next);
      EXPECT_EQ(text, plain);
    }
  }
}

TEST(FrameReader, ReadsEveryLengthEncoding) {
  for (const std::size_t size : {0, 1, 125, 126, 127, 65535, 65536, 70000}) {
    const std::string payload(size, 'x');
    EXPECT_EQ(read_all({client_frame(Opcode::binary, payload)}),
              (std::vector<Seen>{{Kind::message, payload}}));
  }
}

TEST(FrameReader, HandsAWholeFrameOverWhereItLies) {
  auto bytes = client_frame(Opcode::text, "hello") + client_frame(Opcode::text, "again");
  FrameReader reader;
  char* at = bytes.data();
  char* end = at + bytes.size();
  const auto event = reader.next(at, end, kMax);
  EXPECT_EQ(event.payload, "hello");
  EXPECT_EQ(event.payload.data() + 5, at);
  EXPECT_TRUE(reader.idle());
  EXPECT_EQ(reader.next(at, end, kMax).payload, "again");
  EXPECT_EQ(at, end);
}

TEST(FrameReader, ReadsTheSameInAnyPieces) {
  const auto stream =
      client_frame(Opcode::text, "h\xC3", false) + client_frame(Opcode::ping, "are you there") +
      client_frame(Opcode::continuation, "", false) +
      client_frame(Opcode::continuation, "\xA9llo") +
      client_frame(Opcode::binary, std::string(300, '\xFF')) + client_frame(Opcode::pong, "") +
      client_frame(Opcode::text, "") + client_frame(Opcode::close, "\x03\xE8 bye"s);
  const std::vector<Seen> expected = {{Kind::ping, "are you there"},
                                      {Kind::message, "h\xC3\xA9llo"},
                                      {Kind::message, std::string(300, '\xFF')},
                                      {Kind::pong, ""},
                                      {Kind::message, ""},
                                      {Kind::close, "\x03\xE8 bye"s}};
  EXPECT_EQ(read_all({stream}), expected);
  for (std::size_t cut = 1; cut < stream.size(); ++cut)
    EXPECT_EQ(read_all({stream.substr(0, cut), stream.substr(cut)}), expected) << "cut at " << cut;
  std::vector<std::string> bytes;
  for (const char c : stream) bytes.emplace_back(1, c);
  EXPECT_EQ(read_all(bytes), expected);
}

TEST(FrameReader, AControlFrameWithinAMessageDoesNotChangeItsType) {
  auto stream = client_frame(Opcode::binary, "\xFF", false) + client_frame(Opcode::ping, "p") +
                client_frame(Opcode::continuation, "\xFF");
  FrameReader reader;
  char* at = stream.data();
  char* end = at + stream.size();
  EXPECT_EQ(reader.next(at, end, kMax).kind, Kind::ping);
  const auto event = reader.next(at, end, kMax);
  EXPECT_EQ(event.payload, "\xFF\xFF");
  EXPECT_TRUE(event.binary);
}

TEST(FrameReader, HoldsNothingBetweenMessages) {
  const auto stream =
      client_frame(Opcode::text, "one", false) + client_frame(Opcode::continuation, "two");
  FrameReader reader;
  for (std::size_t i = 0; i < stream.size(); ++i) {
    char byte = stream[i];
    char* at = &byte;
    const auto event = reader.next(at, &byte + 1, kMax);
    const bool last = i + 1 == stream.size();
    EXPECT_EQ(event.kind, last ? Kind::message : Kind::need_more);
    EXPECT_EQ(reader.idle(), last);
  }
}

TEST(FrameReader, NamesWhatBreaksTheProtocol) {
  const auto with = [](std::size_t at, int bits, std::string frame) {
    frame[at] = static_cast<char>(frame[at] ^ bits);
    return std::vector{frame};
  };
  const auto good = client_frame(Opcode::text, "x");
  const auto broken = violated(CloseCode::protocol_violation);
  for (const int bit : {0x40, 0x20, 0x10}) EXPECT_EQ(read_all(with(0, bit, good)), broken);
  EXPECT_EQ(read_all(with(1, 0x80, good)), broken) << "not masked";
  for (const int opcode : {3, 4, 5, 6, 7, 11, 12, 13, 14, 15})
    EXPECT_EQ(read_all({client_frame(static_cast<Opcode>(opcode), "")}), broken) << opcode;
  EXPECT_EQ(read_all({client_frame(Opcode::ping, "", false)}), broken);
  EXPECT_EQ(read_all({client_frame(Opcode::ping, std::string(126, 'x'))}), broken);
  EXPECT_EQ(read_all({client_frame(Opcode::continuation, "")}), broken);
  EXPECT_EQ(read_all({client_frame(Opcode::text, "a", false) + client_frame(Opcode::text, "b")}),
            broken);
  EXPECT_EQ(read_all({"\x82\xFE\x00\x7D\x01\x02\x03\x04"s}), broken) << "125 in three bytes";
  EXPECT_EQ(read_all({"\x82\xFF\0\0\0\0\0\0\xFF\xFF\x01\x02\x03\x04"s}), broken);
  EXPECT_EQ(read_all({"\x82\xFF\x80\0\0\0\0\0\0\0\x01\x02\x03\x04"s}), broken) << "2^63";
}

TEST(FrameReader, RefusesALargeMessageAtTheHeaderThatMakesItSo) {
  EXPECT_EQ(read_all({client_frame(Opcode::binary, std::string(101, 'x')).substr(0, 6)}, 100),
            violated(CloseCode::message_too_big));
  EXPECT_EQ(read_all({client_frame(Opcode::binary, std::string(60, 'x'), false) +
                      client_frame(Opcode::continuation, std::string(41, 'x')).substr(0, 6)},
                     100),
            violated(CloseCode::message_too_big));
  EXPECT_EQ(read_all({client_frame(Opcode::binary, std::string(100, 'x'))}, 100).size(), 1U);
}

TEST(FrameReader, FailsAtTheByteThatIsNotUtf8) {
  const auto bad = violated(CloseCode::invalid_utf8);
  EXPECT_EQ(read_all({client_frame(Opcode::text, "a\xFF")}), bad);
  EXPECT_EQ(read_all({client_frame(Opcode::text, "a\xC3")}), bad) << "cut at the end";
  EXPECT_EQ(read_all({client_frame(Opcode::text, "a\xFF", false)}), bad) << "before the last frame";
  EXPECT_EQ(read_all({client_frame(Opcode::text, "a\xFF and more").substr(0, 8)}), bad)
      << "before the end of the frame";
  EXPECT_EQ(read_all({client_frame(Opcode::text, "a", false) + client_frame(Opcode::ping, "\xFF") +
                      client_frame(Opcode::continuation, "\xC3")}),
            (std::vector<Seen>{{Kind::ping, "\xFF"}, bad[0]}));
}

TEST(ParseClose, KnowsWhichCodesMayTravel) {
  const auto code = [](int number, std::string reason = "") {
    return parse_close(std::string{static_cast<char>(number >> 8), static_cast<char>(number)} +
                       reason);
  };
  EXPECT_EQ(parse_close("").code, kNoStatus);
  for (const int number : {1000, 1001, 1002, 1003, 1007, 1008, 1011, 1014, 3000, 4001, 4999}) {
    EXPECT_TRUE(code(number).bad.empty()) << number;
    EXPECT_EQ(static_cast<int>(code(number).code), number);
  }
  for (const int number : {0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535})
    EXPECT_EQ(code(number).code, CloseCode::protocol_violation) << number;
  EXPECT_FALSE(parse_close("\x03").bad.empty());
  EXPECT_EQ(code(1000, "\xFF").code, CloseCode::invalid_utf8);
}

TEST(EncodeClose, CutsTheReasonBetweenCharacters) {
  std::string reason(122, 'x');
  reason += "\xC3\xA9 and more";
  const auto frame = encode_close(CloseCode::policy, reason);
  EXPECT_EQ(frame.size(), 2U + 2 + 122);
  EXPECT_EQ(encode_close(kNoStatus, "").view(), "\x88\x00"s);
}

}  // namespace
}  // namespace parley::net
