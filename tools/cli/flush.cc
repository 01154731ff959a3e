#include "cli/flush.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "client/session.h"

namespace parley::cli {
namespace asio = boost::asio;
using std::chrono::milliseconds;

namespace {

constexpr auto kPatience = std::chrono::seconds(30);

Awaitable<Outcome<v1::Sent>> send_one(client::Api& api, client::OutboxItem item,
                                      client::Time deadline) {
  v1::SendMsgRequest request;
  request.set_conversation_id(item.conversation_id());
  request.set_client_message_id(item.client_message_id());
  request.mutable_body()->set_text(item.text());
  asio::steady_timer pause(co_await asio::this_coro::executor);
  for (int failures = 0;; ++failures) {
    auto sent = co_await api.call<v1::Sent>("POST", "/v1/messages", &request);
    if (sent || !sent.error().retryable) co_return sent;
    const auto wait = std::max(client::backoff(failures, client::random_unit()),
                               milliseconds(sent.error().retry_after_ms));
    if (std::chrono::steady_clock::now() + wait > deadline) co_return sent;
    pause.expires_after(wait);
    co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

}  // namespace

Awaitable<Outcome<Flushed>> flush_outbox(client::Api& api, client::Outbox& outbox) {
  Flushed flushed;
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (!outbox.items().empty()) {
    const auto item = outbox.items().Get(0);
    auto sent = co_await send_one(api, item, deadline);
    if (!sent && (sent.error().retryable || sent.error().code.empty() ||
                  sent.error().code == "unauthenticated"))
      co_return std::unexpected(std::move(sent.error()));
    if (auto removed = outbox.remove(item.client_message_id()); !removed)
      co_return std::unexpected(removed.error());
    if (sent)
      flushed.sent[item.client_message_id()] = std::move(*sent);
    else
      flushed.refused[item.client_message_id()] = std::move(sent.error());
  }
  co_return flushed;
}

}  // namespace parley::cli
