#pragma once
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

struct redisAsyncContext;
struct redisReply;

namespace parley::redis {

/// One connection of hiredis, watched by a loop. All of it on that loop's thread. What is sent in
/// one turn of the loop leaves in one write.
class Connection final : public std::enable_shared_from_this<Connection> {
 public:
  class Owner {
   public:
    virtual void on_reply(const redisReply& reply) = 0;  // one for each `send`, in order
    /// It broke; nothing comes after this.
    virtual void on_end(const std::string& why) = 0;

   protected:
    ~Owner() = default;
  };
  /// Begins to connect; `host` is a numeric address. What is sent meanwhile waits.
  static Result<std::shared_ptr<Connection>> open(boost::asio::io_context& loop,
                                                  const std::string& host, std::uint16_t port,
                                                  Owner& owner);

  /// `command`: as it goes over the wire (RESP).
  void send(std::string_view command);
  /// The owner hears nothing any more. Also from within its callbacks.
  void close();

 private:
  struct Hooks;  // what hiredis calls
  Connection(boost::asio::io_context& loop, Owner& owner) : socket_(loop), owner_(&owner) {}
  void watch();

  boost::asio::posix::stream_descriptor socket_;
  Owner* owner_;
  redisAsyncContext* context_ = nullptr;
  std::shared_ptr<Connection> self_;  // while hiredis may call
  bool reads_ = false, writes_ = false, awaits_read_ = false, awaits_write_ = false;
};

}  // namespace parley::redis
