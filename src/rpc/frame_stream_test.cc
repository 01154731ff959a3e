// What a stranger or a broken peer may send to the port of other processes.
#include "rpc/frame_stream.h"

#include <boost/asio.hpp>
#include <boost/endian/conversion.hpp>
#include <gtest/gtest.h>
#include <random>

#include "base/host_port.h"
#include "parley/rpc/v1/link.pb.h"
#include "rpc/message.h"
#include "rpc/testing/fake_messages.h"
#include "rpc/testing/processes.h"

namespace parley::rpc::testing {
namespace {
namespace asio = boost::asio;
using asio::ip::tcp;

std::string framed(const v1::Frame& frame) {
  std::string out(4, '\0');
  boost::endian::store_little_u32(reinterpret_cast<std::uint8_t*>(out.data()),
                                  static_cast<std::uint32_t>(frame.ByteSizeLong()));
  return out + frame.SerializeAsString();
}

std::string hello() {
  v1::Frame frame;
  frame.mutable_hello()->set_version(kVersion);
  frame.mutable_hello()->set_process("by hand");
  return framed(frame);
}

std::string ping(std::uint64_t number) {
  v1::Frame frame;
  frame.set_ping(number);
  return framed(frame);
}

class FrameStreamTest : public ::testing::Test {
 protected:
  FrameStreamTest() : fake(serving.loops), socket(io) {
    serve(serving.router, serving.loops, fake);
    serving.start();
    connect();
  }
  void connect() {
    const auto at = parse_address(serving.address()).value();
    socket = tcp::socket(io);
    socket.connect({asio::ip::make_address(at.host), at.port});
    const timeval patience{30, 0};
    ASSERT_EQ(0, ::setsockopt(socket.native_handle(), SOL_SOCKET, SO_RCVTIMEO, &patience,
                              sizeof patience));
  }
  void say(std::string_view bytes) {
    boost::system::error_code gone;  // that it hung up shows in what it answers
    asio::write(socket, asio::buffer(bytes), gone);
  }
  v1::Frame hear() {
    std::uint8_t length[4];
    asio::read(socket, asio::buffer(length));
    std::string bytes(boost::endian::load_little_u32(length), '\0');
    asio::read(socket, asio::buffer(bytes));
    v1::Frame frame;
    EXPECT_TRUE(frame.ParseFromString(bytes));
    return frame;
  }
  /// The other side has hung up, having said `before` bytes at most.
  bool hung_up(std::size_t before = 0) {
    std::string rest;
    boost::system::error_code why;
    asio::read(socket, asio::dynamic_buffer(rest), why);
    return (why == asio::error::eof || why == asio::error::connection_reset) &&
           rest.size() <= before;
  }
  void expect_that_others_are_served() {
    Asking asking(serving.address());
    MessageClient messages(asking.link);
    asking.start_and_connect();
    EXPECT_TRUE(await(asking.loops, messages.view(UserId(7), kTalk)));
    asking.stop();
  }

  Serving serving;
  FakeMessages fake;
  asio::io_context io;
  tcp::socket socket;
};

TEST_F(FrameStreamTest, BytesThatComeOneByOneAreTheSameFrames) {
  for (const char byte : std::string(kStreamGreeting) + hello() + ping(7)) {
    say({&byte, 1});
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  EXPECT_EQ(hear().hello().version(), kVersion);
  EXPECT_EQ(hear().pong(), 7u);
}

TEST_F(FrameStreamTest, ManyFramesInOneWriteAreAllTaken) {
  std::string all(kStreamGreeting);
  all += hello();
  for (std::uint64_t i = 1; i <= 10'000; ++i) all += ping(i);
  say(all);
  EXPECT_EQ(hear().hello().process(), "the server");
  std::uint64_t last = 0;  // those of a turn are answered by the last of them
  while (last != 10'000) {
    const auto pong = hear().pong();
    ASSERT_GT(pong, last);
    last = pong;
  }
}

TEST_F(FrameStreamTest, AFrameLargerThanAllBuffersArrives) {
  v1::Frame frame;
  frame.set_ping(3);
  auto& send = *frame.add_sends();
  send.set_conversation(kTalk.key());
  send.set_body(std::string(20 << 20, 'x'));
  say(std::string(kStreamGreeting) + hello() + framed(frame));
  ASSERT_TRUE(eventually([this] { return fake.sends().size() == 1; }));
  EXPECT_EQ(fake.sends().front().body.size(), 20u << 20);
}

TEST_F(FrameStreamTest, AnotherGreetingIsHungUpOn) {
  say("\x01something else");
  EXPECT_TRUE(hung_up());
  expect_that_others_are_served();
}

TEST_F(FrameStreamTest, ALengthThatCannotBeIsHungUpOnAndNoMemoryTakenForIt) {
  say(std::string(kStreamGreeting) + std::string(4, '\xff'));
  EXPECT_TRUE(hung_up());
  expect_that_others_are_served();
}

TEST_F(FrameStreamTest, BytesThatAreNoFrameAreHungUpOn) {
  say(std::string(kStreamGreeting) + hello() + std::string("\x03\0\0\0\xff\xff\xff", 7));
  EXPECT_TRUE(hung_up(hello().size() + 100));
  expect_that_others_are_served();
}

TEST_F(FrameStreamTest, WhateverAStrangerSaysOthersAreServed) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    connect();
    std::string bytes(round % 2 == 0 ? kStreamGreeting : "");
    if (round % 4 == 0) bytes += hello();
    const auto size = random() % 300;
    for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>(random());
    say(bytes);
    socket.close();
  }
  expect_that_others_are_served();
}

TEST_F(FrameStreamTest, WhoStopsWhileItIsReadFromHasItsLastWords) {
  say(std::string(kStreamGreeting) + hello());
  EXPECT_EQ(hear().hello().version(), kVersion);
  serving.stop();
  EXPECT_TRUE(hung_up());
  serving.start();
  expect_that_others_are_served();
}

TEST_F(FrameStreamTest, AServerWithASilentConnectionStops) {
  serving.stop();
  EXPECT_TRUE(hung_up());
}

}  // namespace
}  // namespace parley::rpc::testing
