#include "adapters/shared/redis/connection.h"

#include <boost/asio.hpp>
#include <hiredis/async.h>

namespace parley::redis {

struct Connection::Hooks {
  static Connection& of(void* data) { return *static_cast<Connection*>(data); }

  static void add_read(void* data) {
    of(data).reads_ = true;
    of(data).watch();
  }
  static void remove_read(void* data) { of(data).reads_ = false; }
  static void add_write(void* data) {
    of(data).writes_ = true;
    of(data).watch();
  }
  static void remove_write(void* data) { of(data).writes_ = false; }

  static void reply(redisAsyncContext* context, void* reply, void*) {
    auto& connection = of(context->ev.data);
    // Without a reply the connection ends, which `cleanup` tells.
    if (reply && connection.owner_) connection.owner_->on_reply(*static_cast<redisReply*>(reply));
  }
  /// The context is about to be freed and its socket closed.
  static void cleanup(void* data) {
    const auto connection = std::move(of(data).self_);
    const auto* context = std::exchange(connection->context_, nullptr);
    connection->socket_.release();
    if (auto* owner = std::exchange(connection->owner_, nullptr))
      owner->on_end(context->errstr && *context->errstr ? context->errstr : "it was closed");
  }
};

Result<std::shared_ptr<Connection>> Connection::open(boost::asio::io_context& loop,
                                                     const std::string& host, std::uint16_t port,
                                                     Owner& owner) {
  auto* context = redisAsyncConnect(host.c_str(), port);
  if (!context) return fail(Code::unavailable, "there is no memory for a connection");
  if (context->err) {
    const std::string why = context->errstr;
    redisAsyncFree(context);
    return fail(Code::unavailable, why);
  }
  std::shared_ptr<Connection> connection(new Connection(loop, owner));
  connection->context_ = context;
  connection->self_ = connection;
  connection->socket_.assign(context->c.fd);
  context->ev.data = connection.get();
  context->ev.addRead = Hooks::add_read;
  context->ev.delRead = Hooks::remove_read;
  context->ev.addWrite = Hooks::add_write;
  context->ev.delWrite = Hooks::remove_write;
  context->ev.cleanup = Hooks::cleanup;
  // hiredis learns that the connection is made, or why not, when the socket can be written.
  Hooks::add_write(connection.get());
  return connection;
}

void Connection::send(std::string_view command) {
  if (context_)
    redisAsyncFormattedCommand(context_, Hooks::reply, nullptr, command.data(), command.size());
}

void Connection::close() {
  owner_ = nullptr;
  if (context_) redisAsyncFree(context_);
}

void Connection::watch() {
  using Socket = boost::asio::posix::stream_descriptor;
  if (reads_ && !std::exchange(awaits_read_, true))
    socket_.async_wait(Socket::wait_read, [self = shared_from_this()](auto error) {
      self->awaits_read_ = false;
      if (error || !self->context_) return;
      if (self->reads_) redisAsyncHandleRead(self->context_);
      if (self->context_) self->watch();
    });
  if (writes_ && !std::exchange(awaits_write_, true))
    socket_.async_wait(Socket::wait_write, [self = shared_from_this()](auto error) {
      self->awaits_write_ = false;
      if (error || !self->context_) return;
      if (self->writes_) redisAsyncHandleWrite(self->context_);
      if (self->context_) self->watch();
    });
}

}  // namespace parley::redis
