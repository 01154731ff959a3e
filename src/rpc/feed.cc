#include "rpc/feed.h"

#include "rpc/convert.h"

namespace parley::rpc {
namespace {

constexpr Method<v1::PositionRequest, v1::PositionAnswer> kPosition{"/parley.rpc.v1.Feed/Position"};
constexpr Method<v1::FeedRequest, v1::FeedAnswer> kRead{"/parley.rpc.v1.Feed/Read"};

}  // namespace

Awaitable<Result<std::uint64_t>> FeedClient::position(std::string consumer) {
  v1::PositionRequest request;
  request.set_consumer(std::move(consumer));
  PARLEY_CO_TRY(answer, co_await link_.channel().call(kPosition, std::move(request)));
  co_return answer.position();
}

Awaitable<Result<FeedItems>> FeedClient::read(std::uint64_t after, std::size_t limit,
                                              std::chrono::milliseconds patience) {
  v1::FeedRequest request;
  request.set_after(after);
  request.set_limit(limit);
  request.set_patience_ms(static_cast<std::uint32_t>(patience.count()));
  PARLEY_CO_TRY(answer,
                co_await link_.channel().call(kRead, std::move(request), patience + kCallWithin));
  FeedItems out;
  out.items.reserve(static_cast<std::size_t>(answer.items_size()));
  for (auto& item : *answer.mutable_items())
    out.items.push_back({item.position(), from_proto(*item.mutable_entry())});
  out.next = answer.next();
  co_return out;
}

void FeedClient::passed(std::string consumer, std::uint64_t position) {
  link_.post([this, consumer = std::move(consumer), position] {
    if (!link_.is_open()) return;
    auto& out = *link_.add_to_frame(30).add_passed();
    out.set_consumer(consumer);
    out.set_position(position);
  });
}

void serve(Router& router, FeedApi& feed) {
  router.on_frame([&feed](const ConnectionPtr&, v1::Frame& frame) {
    for (const auto& passed : frame.passed()) feed.passed(passed.consumer(), passed.position());
  });
  router.on_call(kPosition,
                 [&feed](v1::PositionRequest request) -> Awaitable<Result<v1::PositionAnswer>> {
                   PARLEY_CO_TRY(position, co_await feed.position(request.consumer()));
                   v1::PositionAnswer answer;
                   answer.set_position(position);
                   co_return answer;
                 });
  router.on_call(kRead, [&feed](v1::FeedRequest request) -> Awaitable<Result<v1::FeedAnswer>> {
    const std::chrono::milliseconds patience(request.patience_ms());
    PARLEY_CO_TRY(page, co_await feed.read(request.after(), request.limit(), patience));
    v1::FeedAnswer answer;
    for (const auto& item : page.items) {
      auto& row = *answer.add_items();
      row.set_position(item.position);
      to_proto(*item.entry, *row.mutable_entry());
    }
    answer.set_next(page.next);
    co_return answer;
  });
}

}  // namespace parley::rpc
