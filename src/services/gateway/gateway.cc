#include "services/gateway/gateway.h"

#include <boost/asio.hpp>

#include "base/check.h"
#include "net/listener.h"
#include "services/gateway/gateway_loop.h"
#include "services/gateway/heartbeat.h"

namespace parley::gateway {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::milliseconds kLook{10};  // how often a drain looks whether all is answered

/// An item with a part of its recipients.
template <class Item>
Item with(const Item& item, std::vector<UserId> recipients) {
  Item part = item;
  part.recipients = std::move(recipients);
  return part;
}

}  // namespace

struct Gateway::Impl {
  Impl(Loops& loops, const Clock& clock, Settings settings, Services services, const TicketKey& key,
       Metrics& metrics, GatewayId id)
      : shared{loops,
               clock,
               std::move(settings),
               std::move(services),
               Tickets(key),
               {shared.services.sessions, id, loops.size()},
               {shared.services.presence, id},
               GatewayMetrics(metrics),
               id},
        admission(std::make_shared<net::Admission>(shared.settings.edge.max_connections,
                                                   shared.settings.edge.max_per_address)),
        drain_timer(loops.at(0)) {
    PARLEY_CHECK(loops.size() <= LocalPresence::kMaxLoops, "a gateway has 64 loops at most");
    for (std::size_t i = 0; i < loops.size(); ++i)
      parts.push_back(std::make_unique<GatewayLoop>(shared, i, metrics, admission));
    for (auto& part : parts) shared.loop_parts.push_back(part.get());
  }

  /// Runs `call(part)` on every loop.
  template <class F>
  void on_every_loop(F call) {
    for (std::size_t i = 0; i < parts.size(); ++i)
      shared.loops.run_on(i, [part = parts[i].get(), call] { call(*part); });
  }

  /// Splits items by the loops that hold sessions of their recipients, and hops once to each.
  template <class Item, class F>
  void spread(std::vector<Item> items, F call) {
    if (items.empty()) return;
    if (parts.size() == 1) return hand(0, std::move(items), call);
    std::vector<std::vector<Item>> by_loop(parts.size());
    for (const auto& item : items) {
      const auto loops_of = shared.presence.loops_of(item.recipients);
      std::vector<std::vector<UserId>> here(parts.size());
      for (std::size_t r = 0; r < loops_of.size(); ++r)
        for (auto rest = loops_of[r]; rest != 0; rest &= rest - 1)
          here[static_cast<std::size_t>(std::countr_zero(rest))].push_back(item.recipients[r]);
      for (std::size_t i = 0; i < parts.size(); ++i)
        if (!here[i].empty()) by_loop[i].push_back(with(item, std::move(here[i])));
    }
    for (std::size_t i = 0; i < parts.size(); ++i)
      if (!by_loop[i].empty()) hand(i, std::move(by_loop[i]), call);
  }
  template <class Item, class F>
  void hand(std::size_t loop, std::vector<Item> items, F call) {
    shared.loops.run_on(
        loop, [part = parts[loop].get(), call, items = std::move(items)] { call(*part, items); });
  }

  /// On loop 0: looks, until nothing is unanswered or `until` has come, then closes.
  void await_answers(Clock::Mono until, std::function<void()> done) {
    auto open = std::make_shared<std::size_t>(parts.size());
    auto busy = std::make_shared<bool>(false);
    for (std::size_t i = 0; i < parts.size(); ++i) {
      asio::post(shared.loops.at(i), [this, i, open, busy, until, done] {
        asio::post(shared.loops.at(0), [this, open, busy, until, done, idle = parts[i]->is_idle()] {
          *busy = *busy || !idle;
          if (--*open != 0) return;
          if (!*busy || shared.clock.mono() >= until) return stop(done);
          drain_timer.expires_after(kLook);
          drain_timer.async_wait(
              [this, until, done](boost::system::error_code) { await_answers(until, done); });
        });
      });
    }
  }
  void stop(std::function<void()> done) {
    heartbeat.stop();
    auto open = std::make_shared<std::size_t>(parts.size());
    on_every_loop([this, open, done = std::move(done)](GatewayLoop& part) {
      part.stop([this, open, done] {
        asio::post(shared.loops.at(0), [open, done] {
          if (--*open == 0) done();
        });
      });
    });
  }

  /// On loop 0, which is the one that there is where there is one.
  void say_again() {
    shared.presence.say_again(shared.presence.one_loop() ? parts[0]->users()
                                                         : std::vector<UserId>{});
    shared.watched.say_again();
  }

  Shared shared;
  Heartbeat heartbeat{shared, [this] { say_again(); }};
  std::shared_ptr<net::Admission> admission;
  std::vector<std::unique_ptr<GatewayLoop>> parts;
  std::unique_ptr<net::Listener> listener;
  asio::steady_timer drain_timer;
};

Gateway::Gateway(Loops& loops, const Clock& clock, Settings settings, Services services,
                 const TicketKey& ticket_key, Metrics& metrics, GatewayId id)
    : impl_(std::make_unique<Impl>(loops, clock, std::move(settings), std::move(services),
                                   ticket_key, metrics, id)) {}

Gateway::~Gateway() = default;

Result<std::uint16_t> Gateway::listen(const std::string& address, std::uint16_t port) {
  std::vector<net::Edge*> edges;
  for (auto& part : impl_->parts) edges.push_back(&part->edge());
  PARLEY_TRY(listener, net::Listener::open(impl_->shared.loops.at(0), address, port, edges));
  impl_->listener = std::move(listener);
  asio::post(impl_->shared.loops.at(0), [impl = impl_.get()] { impl->heartbeat.start(); });
  for (std::size_t i = 0; i < impl_->parts.size(); ++i)
    asio::post(impl_->shared.loops.at(i), [part = impl_->parts[i].get()] { part->start(); });
  return impl_->listener->port();
}

void Gateway::drain(std::chrono::milliseconds deadline, std::function<void()> done) {
  const auto& edge = impl_->shared.settings.edge;
  // Closing takes the peers' close frames, or their time-out: that is kept back from the deadline.
  const auto closing = edge.close_timeout + 2 * edge.tick;
  const auto answering = std::max(std::chrono::milliseconds(0), deadline - closing);
  const auto until = impl_->shared.clock.mono() + answering;
  asio::post(impl_->shared.loops.at(0), [impl = impl_.get(), until, done = std::move(done)] {
    impl->shared.draining = true;
    if (impl->listener) impl->listener->stop();
    impl->on_every_loop([](GatewayLoop& part) { part.announce_stop(); });
    impl->await_answers(until, done);
  });
}

std::size_t Gateway::connections() const { return impl_->admission->connections(); }

void Gateway::read_again(std::chrono::milliseconds missed) {
  const TimeMs since(impl_->shared.clock.wall().value - missed.count() - kResumeOverlapMs);
  impl_->on_every_loop([since](GatewayLoop& part) { part.read_again(since); });
}

void Gateway::deliver(std::vector<Delivery> entries) {
  impl_->spread(std::move(entries),
                [](GatewayLoop& part, const std::vector<Delivery>& items) { part.deliver(items); });
}

void Gateway::receipts(std::vector<ReceiptNotice> notices) {
  impl_->spread(std::move(notices), [](GatewayLoop& part, const std::vector<ReceiptNotice>& items) {
    part.receipts(items);
  });
}

void Gateway::changed(std::vector<ConversationNotice> notices) {
  if (notices.empty()) return;
  auto shared = std::make_shared<const std::vector<ConversationNotice>>(std::move(notices));
  impl_->on_every_loop([shared](GatewayLoop& part) { part.changed(*shared); });
}

void Gateway::typing(std::vector<TypingNotice> notices) {
  impl_->spread(std::move(notices), [](GatewayLoop& part, const std::vector<TypingNotice>& items) {
    part.typing(items);
  });
}

void Gateway::presence(std::vector<PresenceView> changes) {
  const auto loops_of = impl_->shared.watched.loops_of(changes);
  std::vector<std::vector<PresenceView>> by_loop(impl_->parts.size());
  for (std::size_t i = 0; i < changes.size(); ++i)
    for (auto rest = loops_of[i]; rest != 0; rest &= rest - 1)
      by_loop[static_cast<std::size_t>(std::countr_zero(rest))].push_back(changes[i]);
  for (std::size_t i = 0; i < by_loop.size(); ++i)
    if (!by_loop[i].empty())
      impl_->hand(
          i, std::move(by_loop[i]),
          [](GatewayLoop& part, const std::vector<PresenceView>& items) { part.presence(items); });
}

void Gateway::sign_out(UserId user, DeviceId device) {
  impl_->on_every_loop([user, device](GatewayLoop& part) { part.sign_out(user, device); });
}

}  // namespace parley::gateway
