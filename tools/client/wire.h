#pragma once
#include <expected>
#include <memory>
#include <parley/v1/frames.pb.h>
#include <vector>

#include "client/api.h"

namespace parley::client {

/// Why a connection is over.
struct End {
  Failure failure;
  bool come_back = true;
};

/// One connection's way of carrying frames. One read and one write may be under way together; it
/// outlives both. One thread.
class Wire {
 public:
  using Frames = std::vector<v1::ServerFrame>;

  virtual ~Wire() = default;
  /// Connects; why not, otherwise. The first frame to be written then is hello.
  virtual Awaitable<std::expected<void, End>> open() = 0;
  /// What comes next, or the end.
  virtual Awaitable<std::expected<Frames, End>> read() = 0;
  /// Writes as many as go at once, and takes them off the front. Answers, where the way of writing
  /// has some of its own.
  virtual Awaitable<std::expected<Frames, End>> write(std::vector<v1::ClientFrame>& frames) = 0;
  /// How long the client may write nothing.
  virtual std::chrono::milliseconds silence() const = 0;
  /// Says goodbye, where there is a way to.
  virtual Awaitable<void> close() = 0;
  /// Ends it at once; what is under way returns soon.
  virtual void cut() = 0;
};

/// By WebSocket, in `parley.v1.pb`.
std::unique_ptr<Wire> web_socket(boost::asio::any_io_executor executor, const Endpoint& server);
/// By a stream of events and POST, in JSON. `api` stays.
std::unique_ptr<Wire> event_stream(boost::asio::any_io_executor executor, Api& api);

/// What a close code asks for.
End closed_by(unsigned code, std::string_view reason);
std::unexpected<End> broke(std::string_view why);

inline constexpr auto kConnectPatience = std::chrono::seconds(10);
/// Of several frames together: below what welcome announces. One may be larger, and goes alone.
inline constexpr std::size_t kBatchBytes = 48 * 1024;
inline constexpr std::size_t kBatchFrames = 128;

}  // namespace parley::client
