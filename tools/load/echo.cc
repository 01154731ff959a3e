#include "echo.h"

#include <array>
#include <cerrno>
#include <deque>
#include <memory>
#include <stdexcept>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

#include "cpu.h"

namespace parley::load {
namespace {

class Echo final : public Watched {
 public:
  Echo(Loop& loop, const Target& target, std::size_t bytes, Result& result)
      : message_(bytes, 'x'), result_(result), fd_(socket(AF_INET, SOCK_STREAM, 0)) {
    if (fd_ < 0 || ::connect(fd_, reinterpret_cast<const sockaddr*>(&target.address),
                             sizeof target.address) != 0)
      throw std::system_error(errno, std::generic_category(), "connect");
    loop.add(fd_, EPOLLIN, this);
  }
  ~Echo() override { ::close(fd_); }
  Echo(const Echo&) = delete;
  Echo& operator=(const Echo&) = delete;

  void send(Nanos intended) {
    intended_.push_back(intended);
    if (::send(fd_, message_.data(), message_.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(message_.size()))
      throw std::runtime_error("the echo server does not keep up");
    ++result_[Counter::sent];
  }

  void ready(std::uint32_t) override {
    std::array<char, 65536> buffer;
    const ssize_t n = recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN)) throw std::runtime_error("the echo server went away");
    received_ += static_cast<std::size_t>(std::max<ssize_t>(n, 0));
    for (; received_ >= message_.size() && !intended_.empty(); received_ -= message_.size()) {
      result_.acknowledgement.record(now() - intended_.front());
      intended_.pop_front();
      ++result_[Counter::acknowledged];
      ++result_[Counter::acknowledged_in_time];
    }
  }
  void turn_ends() override {}

 private:
  const std::string message_;
  Result& result_;
  const int fd_;
  std::size_t received_ = 0;
  std::deque<Nanos> intended_;
};

}  // namespace

Result run_echo(const Options& options, const Target& target) {
  Result result;
  Loop loop;
  std::vector<std::unique_ptr<Echo>> echoes;
  const std::size_t connections = options.senders > 0 ? options.senders : 64;
  while (echoes.size() < connections)
    echoes.push_back(std::make_unique<Echo>(loop, target, options.text_bytes, result));
  const double cpu = cpu_seconds();
  const Nanos start = now();
  const Nanos until = start + static_cast<Nanos>(options.duration * 1e9);
  double next = static_cast<double>(start);
  for (std::size_t i = 0; now() < until;) {
    loop.turn(static_cast<Nanos>(next));
    for (; next <= static_cast<double>(now()); next += 1e9 / options.rate)
      echoes[i++ % connections]->send(static_cast<Nanos>(next));
  }
  result.seconds = static_cast<double>(now() - start) / 1e9;
  result.cpu_seconds = cpu_seconds() - cpu;
  return result;
}

}  // namespace parley::load
