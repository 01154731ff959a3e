#include "cli/live.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>

namespace parley::cli {
namespace asio = boost::asio;
using std::chrono::steady_clock;

namespace {
constexpr auto kUse = asio::as_tuple(asio::use_awaitable);
}

Live::Live(Context& context, client::Api& api, LiveView& view)
    : account_(api.account()),
      view_(view),
      outbox_(account_),
      session_(account_.user(), account_.state().cursor(), outbox_, *this),
      connection_(context.io().get_executor(), api, session_,
                  [this](const client::LinkState& link) { view_.on_link(link); }),
      save_timer_(context.io()) {}

Outcome<client::OutboxItem> Live::send(const std::string& conversation, const std::string& text) {
  auto item = session_.send(conversation, text, steady_clock::now());
  connection_.wake();
  return item;
}

void Live::read(const std::string& conversation, std::uint64_t seq) {
  session_.read(conversation, seq, steady_clock::now());
  connection_.wake();
}

void Live::typing(const std::string& conversation) {
  session_.typing(conversation, steady_clock::now());
  connection_.wake();
}

void Live::watch(const std::vector<std::uint64_t>& users) {
  session_.watch(users);
  connection_.wake();
}

void Live::note_shown(const std::string& conversation, std::uint64_t seq) {
  const bool first = unsaved_.empty();
  auto& shown = unsaved_[conversation];
  shown = std::max(shown, seq);
  if (!first || stopped_) return;
  save_timer_.expires_after(std::chrono::seconds(1));
  save_timer_.async_wait([this](boost::system::error_code ec) {
    if (!ec) save();
  });
}

void Live::save() {
  if (unsaved_.empty()) return;
  const auto shown = std::exchange(unsaved_, {});
  const auto kept = account_.update([&](client::AccountState& state) {
    for (const auto& [conversation, seq] : shown) {
      auto& stored = (*state.mutable_shown())[conversation];
      stored = std::max<std::uint64_t>(stored, seq);
    }
  });
  if (!kept) view_.on_trouble(kept.error());
}

void Live::on_backlog_end(const v1::BacklogEnd& end) {
  caught_up_ = true;
  const auto kept =
      account_.update([&](client::AccountState& state) { state.set_cursor(end.cursor()); });
  if (!kept) view_.on_trouble(kept.error());
  view_.on_backlog_end(end);
}

Awaitable<Outcome<void>> Live::run() {
  auto done = co_await connection_.run();
  stopped_ = true;
  save_timer_.cancel();
  save();
  co_return done;
}

void Live::stop() {
  stopped_ = true;
  connection_.stop();
}

Awaitable<void> Live::stop_when_idle() {
  asio::steady_timer pause(co_await asio::this_coro::executor);
  while (!stopped_ && !(caught_up_ && session_.idle())) {
    pause.expires_after(std::chrono::milliseconds(20));
    co_await pause.async_wait(kUse);
  }
  stop();
}

Signals::Signals(Context& context, Live& live, std::function<void(int)> on_signal)
    : set_(context.io(), SIGINT, SIGTERM, SIGHUP), live_(live), on_signal_(std::move(on_signal)) {
  set_.add(SIGWINCH);
  set_.add(SIGCONT);
}

Awaitable<void> Signals::run() {
  while (!live_.stopped()) {
    auto [ec, signal] = co_await set_.async_wait(kUse);
    if (ec) co_return;
    on_signal_(signal);
    if (signal != SIGWINCH && signal != SIGCONT) live_.stop();
  }
  // The connection is closing properly; who asks again does not want to wait for that.
  auto [ec, signal] = co_await set_.async_wait(kUse);
  if (ec) co_return;
  on_signal_(signal);
  std::_Exit(128 + signal);
}

}  // namespace parley::cli
