#include "rpc/frame_stream.h"

#include <boost/asio.hpp>
#include <boost/endian/conversion.hpp>
#include <cstring>
#include <fmt/format.h>
#include <netinet/tcp.h>

#include "base/host_port.h"
#include "parley/rpc/v1/link.pb.h"
#include "rpc/failure.h"

namespace parley::rpc {
namespace asio = boost::asio;
using asio::ip::tcp;
namespace {

constexpr std::size_t kLengthSize = 4;
constexpr std::size_t kReadSize = 64 << 10;
constexpr std::size_t kKeptSize = 1 << 20;  // of a buffer that grew with its content
constexpr std::chrono::seconds kFinishWithin{1};

template <int Name>
using TcpOption = asio::detail::socket_option::integer<IPPROTO_TCP, Name>;

/// A peer that does not confirm what it is sent, or that is only listened to, is gone.
void watch_peer(tcp::socket& socket) {
  boost::system::error_code gone;  // shows at the first read
  socket.set_option(tcp::no_delay(true), gone);
  socket.set_option(asio::socket_base::keep_alive(true), gone);
  socket.set_option(TcpOption<TCP_KEEPIDLE>(10), gone);
  socket.set_option(TcpOption<TCP_KEEPINTVL>(3), gone);
  socket.set_option(TcpOption<TCP_KEEPCNT>(3), gone);
  socket.set_option(TcpOption<TCP_USER_TIMEOUT>(20'000), gone);  // ms
}

}  // namespace

FrameStream::FrameStream(tcp::socket socket, std::string peer, Events events)
    : socket_(std::move(socket)),
      finishing_(socket_.get_executor()),
      peer_(std::move(peer)),
      events_(std::move(events)) {}

std::shared_ptr<FrameStream> FrameStream::connect(asio::io_context& loop,
                                                  const std::string& address, Events events) {
  std::shared_ptr<FrameStream> stream(
      new FrameStream(tcp::socket(loop), address, std::move(events)));
  stream->out_ = kStreamGreeting;
  const auto at = parse_address(address);
  if (!at) {
    stream->end(unavailable(at.error().message));
    return stream;
  }
  const tcp::endpoint endpoint(asio::ip::make_address(at->host), at->port);
  stream->socket_.async_connect(endpoint, [stream](boost::system::error_code failed) {
    if (failed)
      return stream->end(unavailable(fmt::format(
          "the service at {} cannot be reached ({}): try again", stream->peer_, failed.message())));
    stream->ready();
  });
  return stream;
}

std::shared_ptr<FrameStream> FrameStream::adopt(tcp::socket socket, Events events) {
  std::shared_ptr<FrameStream> stream(
      new FrameStream(std::move(socket), "a caller", std::move(events)));
  stream->expected_ = kStreamGreeting;
  asio::post(stream->socket_.get_executor(), [stream] { stream->ready(); });
  return stream;
}

void FrameStream::ready() {
  if (!events_.on_ended) return;
  ready_ = true;
  watch_peer(socket_);
  receive();
  if (out_.size() > kStreamGreeting.size()) send();
}

void FrameStream::write(const v1::Frame& frame) {
  if (!events_.on_ended) return;
  const auto size = frame.ByteSizeLong();
  const auto from = out_.size();  // the greeting may be there
  out_.resize(from + kLengthSize + size);
  auto* to = reinterpret_cast<std::uint8_t*>(out_.data() + from);
  boost::endian::store_little_u32(to, static_cast<std::uint32_t>(size));
  frame.SerializeWithCachedSizesToArray(to + kLengthSize);
  if (ready_) send();
}

void FrameStream::send() {
  asio::async_write(socket_, asio::buffer(out_),
                    [self = shared_from_this()](boost::system::error_code failed, std::size_t) {
                      if (!self->events_.on_ended) return;
                      // A reader learns of the end, after all that the other side said before.
                      if (failed) return;
                      self->out_.clear();
                      if (self->out_.capacity() > kKeptSize) self->out_.shrink_to_fit();
                      self->events_.on_written();
                    });
}

void FrameStream::receive() {
  std::memmove(in_.data(), in_.data() + begin_, filled_ - begin_);
  filled_ -= std::exchange(begin_, 0);
  if (filled_ == 0 && in_.size() > kKeptSize) std::string().swap(in_);
  if (in_.size() - filled_ < kReadSize / 4) in_.resize(std::max(2 * in_.size(), kReadSize));
  socket_.async_read_some(
      asio::buffer(in_.data() + filled_, in_.size() - filled_),
      [self = shared_from_this()](boost::system::error_code failed, std::size_t count) {
        if (!self->events_.on_ended) return;
        if (failed)
          return self->end(unavailable("the connection to " + self->peer_ + " broke: try again"));
        self->filled_ += count;
        if (self->finished_) self->begin_ = self->filled_;
        if (!self->take())
          return self->end(
              {Code::internal, "what came from " + self->peer_ + " is no frame", {}, 0});
        if (self->events_.on_ended) self->receive();
      });
}

bool FrameStream::take() {
  const auto rest = [this] { return std::string_view(in_).substr(begin_, filled_ - begin_); };
  if (!expected_.empty()) {
    const auto came = rest().substr(0, expected_.size());
    if (!expected_.starts_with(came)) return false;
    begin_ += came.size();
    expected_.remove_prefix(came.size());
  }
  v1::Frame frame;
  while (rest().size() >= kLengthSize) {
    const auto* at = reinterpret_cast<const std::uint8_t*>(rest().data());
    const std::size_t size = boost::endian::load_little_u32(at);
    if (size > kLargestFrame) return false;
    if (rest().size() < kLengthSize + size) break;
    if (!frame.ParseFromArray(at + kLengthSize, static_cast<int>(size))) return false;
    begin_ += kLengthSize + size;
    events_.on_frame(frame);
    if (!events_.on_ended || finished_) break;
  }
  return true;
}

void FrameStream::finish() {
  finished_ = true;
  boost::system::error_code gone;  // then the reader ends it
  socket_.shutdown(tcp::socket::shutdown_send, gone);
  finishing_.expires_after(kFinishWithin);
  finishing_.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
    if (!cancelled) self->cancel();
  });
}

void FrameStream::cancel() { end(unavailable("the connection to " + peer_ + " was ended")); }

void FrameStream::end(Error why) {
  // Kept until the handler that ends it has returned.
  auto events = std::make_shared<Events>(std::exchange(events_, {}));
  if (!events->on_ended) return;
  finishing_.cancel();
  boost::system::error_code ignored;  // nothing is left to do for a socket that cannot be closed
  socket_.close(ignored);
  asio::post(socket_.get_executor(),
             [self = shared_from_this(), events, why = std::move(why)]() mutable {
               events->on_ended(std::move(why));
             });
}

}  // namespace parley::rpc
