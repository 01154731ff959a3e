#include "rpc/frame_stream.h"

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
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
constexpr std::chrono::seconds kGreetWithin{10}, kFinishWithin{1};

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

/// Over the stream's own socket.
struct FrameStream::Tls {
  std::shared_ptr<asio::ssl::context> context;
  asio::ssl::stream<tcp::socket&> stream;
};

FrameStream::FrameStream(tcp::socket socket, std::string peer, SecurityPtr security, Events events)
    : socket_(std::move(socket)),
      deadline_(socket_.get_executor()),
      peer_(std::move(peer)),
      security_(std::move(security)),
      events_(std::move(events)) {}

FrameStream::~FrameStream() = default;

std::shared_ptr<FrameStream> FrameStream::connect(asio::io_context& loop,
                                                  const std::string& address, SecurityPtr security,
                                                  Events events) {
  std::shared_ptr<FrameStream> stream(new FrameStream(
      tcp::socket(loop), "the service at " + address, std::move(security), std::move(events)));
  const auto at = parse_address(address);
  if (!at) {
    stream->end(unavailable(at.error().message));
    return stream;
  }
  const tcp::endpoint endpoint(asio::ip::make_address(at->host), at->port);
  stream->socket_.async_connect(endpoint, [stream, host = at->host](auto failed) {
    if (failed)
      return stream->end(unavailable(
          fmt::format("{} cannot be reached ({}): try again", stream->peer_, failed.message())));
    if (!stream->security_) {
      stream->out_.insert(0, kStreamGreeting);
      return stream->ready();
    }
    asio::async_write(stream->socket_, asio::buffer(kTlsStreamGreeting),
                      [stream, host](boost::system::error_code, std::size_t) {
                        stream->shake_hands(true, host);
                      });
  });
  return stream;
}

std::shared_ptr<FrameStream> FrameStream::adopt(tcp::socket socket, SecurityPtr security,
                                                Events events) {
  boost::system::error_code gone;  // shows at the first read
  const auto from = socket.remote_endpoint(gone);
  std::shared_ptr<FrameStream> stream(
      new FrameStream(std::move(socket),
                      fmt::format("the caller at {}:{}", from.address().to_string(), from.port()),
                      std::move(security), std::move(events)));
  stream->in_.resize(kStreamGreeting.size());
  stream->cancel_in(kGreetWithin);
  asio::async_read(stream->socket_, asio::buffer(stream->in_),
                   [stream](boost::system::error_code failed, std::size_t) {
                     if (failed) return stream->end(stream->broken(failed));
                     stream->greeted();
                   });
  return stream;
}

void FrameStream::greeted() {
  if (in_ != (security_ ? kTlsStreamGreeting : kStreamGreeting))
    return end({Code::internal,
                in_ == kStreamGreeting
                    ? peer_ + " speaks without TLS, and [peer_tls] asks for it here"
                : in_ == kTlsStreamGreeting ? peer_ + " speaks TLS, and no [peer_tls] is set here"
                                            : peer_ + " is no process of this system",
                {},
                0});
  if (security_) return shake_hands(false, {});
  ready();
}

void FrameStream::shake_hands(bool as_client, const std::string& host) {
  if (!events_.on_ended) return;
  const auto context = security_->of_streams();
  tls_ = std::make_unique<Tls>(context, asio::ssl::stream<tcp::socket&>(socket_, *context));
  if (as_client)
    X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls_->stream.native_handle()), host.c_str());
  const auto side = as_client ? asio::ssl::stream_base::client : asio::ssl::stream_base::server;
  tls_->stream.async_handshake(side, [self = shared_from_this()](boost::system::error_code failed) {
    if (!failed) return self->ready();
    const auto verdict = SSL_get_verify_result(self->tls_->stream.native_handle());
    self->end({Code::internal,
               verdict == X509_V_OK
                   ? fmt::format("{}: the TLS handshake failed ({}): does [peer_tls] there name "
                                 "certificates of the same authority?",
                                 self->peer_, failed.message())
                   : fmt::format("the certificate of {} is refused: {}", self->peer_,
                                 X509_verify_cert_error_string(verdict)),
               {},
               0});
  });
}

void FrameStream::cancel_in(std::chrono::seconds time) {
  deadline_.expires_after(time);
  deadline_.async_wait([self = shared_from_this()](boost::system::error_code cancelled) {
    if (!cancelled) self->cancel();
  });
}

void FrameStream::ready() {
  if (!events_.on_ended) return;
  deadline_.cancel();
  ready_ = true;
  watch_peer(socket_);
  in_.resize(kReadSize);
  receive();
  if (std::exchange(waiting_, false)) send();
}

void FrameStream::write(const v1::Frame& frame) {
  if (!events_.on_ended) return;
  const auto size = frame.ByteSizeLong();
  const auto from = out_.size();  // the greeting may be there
  out_.resize(from + kLengthSize + size);
  auto* to = reinterpret_cast<std::uint8_t*>(out_.data() + from);
  boost::endian::store_little_u32(to, static_cast<std::uint32_t>(size));
  frame.SerializeWithCachedSizesToArray(to + kLengthSize);
  if (ready_)
    send();
  else
    waiting_ = true;
}

void FrameStream::send() {
  const auto sent = [self = shared_from_this()](boost::system::error_code failed, std::size_t) {
    if (!self->events_.on_ended) return;
    // A reader learns of the end, after all that the other side said before.
    if (failed) return;
    self->out_.clear();
    if (self->out_.capacity() > kKeptSize) self->out_.shrink_to_fit();
    self->events_.on_written();
  };
  tls_ ? asio::async_write(tls_->stream, asio::buffer(out_), sent)
       : asio::async_write(socket_, asio::buffer(out_), sent);
}

void FrameStream::receive() {
  std::memmove(in_.data(), in_.data() + begin_, filled_ - begin_);
  filled_ -= std::exchange(begin_, 0);
  if (filled_ == 0 && in_.size() > kKeptSize) std::string().swap(in_);
  if (in_.size() - filled_ < kReadSize / 4) in_.resize(std::max(2 * in_.size(), kReadSize));
  const auto room = asio::buffer(in_.data() + filled_, in_.size() - filled_);
  const auto received = [self = shared_from_this()](boost::system::error_code failed,
                                                    std::size_t count) {
    if (!self->events_.on_ended) return;
    if (failed) return self->end(self->broken(failed));
    self->filled_ += count;
    if (self->finished_) self->begin_ = self->filled_;
    if (!self->take())
      return self->end({Code::internal, "what came from " + self->peer_ + " is no frame", {}, 0});
    if (self->events_.on_ended) self->receive();
  };
  tls_ ? tls_->stream.async_read_some(room, received) : socket_.async_read_some(room, received);
}

Error FrameStream::broken(const boost::system::error_code& why) const {
  if (why.category() != asio::error::get_ssl_category())
    return unavailable("the connection to " + peer_ + " broke: try again");
  return {Code::internal,
          fmt::format("{} refuses the certificate of this process, or what it sends ({})", peer_,
                      why.message()),
          {},
          0};
}

bool FrameStream::take() {
  const auto rest = [this] { return std::string_view(in_).substr(begin_, filled_ - begin_); };
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
  cancel_in(kFinishWithin);
}

void FrameStream::cancel() { end(unavailable("the connection to " + peer_ + " was ended")); }

void FrameStream::end(Error why) {
  // Kept until the handler that ends it has returned.
  auto events = std::make_shared<Events>(std::exchange(events_, {}));
  if (!events->on_ended) return;
  deadline_.cancel();
  boost::system::error_code ignored;  // nothing is left to do for a socket that cannot be closed
  socket_.close(ignored);
  asio::post(socket_.get_executor(),
             [self = shared_from_this(), events, why = std::move(why)]() mutable {
               events->on_ended(std::move(why));
             });
}

}  // namespace parley::rpc
