#include "net/output_queue.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <string>

#include "net/socket.h"

namespace parley::net {
namespace {

struct Pair {
  Pair() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
    near = UniqueFd(fds[0]);
    far = UniqueFd(fds[1]);
  }
  std::string read() {
    std::string out(1 << 20, '\0');
    const auto size = ::recv(far.get(), out.data(), out.size(), 0);
    out.resize(size < 0 ? 0 : static_cast<std::size_t>(size));
    return out;
  }
  UniqueFd near, far;
};

TEST(OutputQueue, WritesEverythingInOrderThroughASlowSocket) {
  Pair pair;
  OutputQueue queue;
  std::string expected;
  for (int i = 0; i < 3000; ++i) {
    const auto block = std::to_string(i) + std::string(static_cast<std::size_t>(i % 700), 'x');
    expected += block;
    queue.push(SharedBytes(block));
  }
  EXPECT_EQ(queue.bytes(), expected.size());
  std::string got;
  std::size_t written = 0;
  bool was_blocked = false;
  while (queue.flush(pair.near.get(), written) == OutputQueue::State::blocked) {
    was_blocked = true;
    got += pair.read();
    EXPECT_EQ(written + queue.bytes(), expected.size());
  }
  for (auto rest = pair.read(); !rest.empty(); rest = pair.read()) got += rest;
  EXPECT_TRUE(was_blocked);
  EXPECT_EQ(got, expected);
  EXPECT_TRUE(queue.empty());
}

TEST(OutputQueue, KeepsABlockThatIsPartlyWritten) {
  Pair pair;
  OutputQueue queue;
  const std::string large(8 << 20, 'a');
  queue.push(SharedBytes(large));
  queue.push(SharedBytes("dropped"));
  std::size_t written = 0;
  ASSERT_EQ(queue.flush(pair.near.get(), written), OutputQueue::State::blocked);
  queue.keep_only_started();
  queue.push(SharedBytes("last"));
  EXPECT_EQ(queue.bytes(), large.size() - written + 4);
  std::string got;
  while (queue.flush(pair.near.get(), written) == OutputQueue::State::blocked) got += pair.read();
  for (auto rest = pair.read(); !rest.empty(); rest = pair.read()) got += rest;
  EXPECT_EQ(got, large + "last");

  queue.push(SharedBytes("not begun"));
  queue.keep_only_started();
  EXPECT_TRUE(queue.empty());
}

TEST(OutputQueue, SaysThatThePeerIsGone) {
  Pair pair;
  OutputQueue queue;
  pair.far.reset();
  queue.push(SharedBytes("x"));
  std::size_t written = 0;
  EXPECT_EQ(queue.flush(pair.near.get(), written), OutputQueue::State::failed);
}

}  // namespace
}  // namespace parley::net
