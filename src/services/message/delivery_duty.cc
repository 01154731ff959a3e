#include "services/message/delivery_duty.h"

#include <limits>

#include "base/log.h"

namespace parley::message {
namespace {
// Entries of one conversation within this long share a check, so that a busy conversation costs two
// checks a second.
constexpr std::chrono::milliseconds kWindow{500};
constexpr std::chrono::milliseconds kPushAgain{1'000};
}  // namespace

DeliveryDuty::DeliveryDuty(const Settings& settings, const Clock& clock,
                           NotificationApi& notifications, Metric& decided, HandOver hand_over)
    : settings_(settings),
      clock_(clock),
      notifications_(notifications),
      decided_(decided),
      hand_over_(std::move(hand_over)) {}

void DeliveryDuty::watch(ConversationState& state, Member& member, Seq seq,
                         std::uint64_t position) {
  const auto now = clock_.mono();
  if (member.check >= first_check_) {
    auto& latest = checks_[member.check - first_check_];
    if (now - latest.opened < kWindow) {
      latest.seq = std::max(latest.seq, seq);
      latest.position = std::min(latest.position, position);
      return;
    }
  }
  checks_.push_back({now, &state, member.user, seq, position});
  member.check = first_check_ + checks_.size() - 1;
  ++state.pins;
}

void DeliveryDuty::absent(ConversationState& state, Member& member, Seq seq, TimeMs now) {
  if (member.marks.delivered >= seq || member.pushed >= seq) return;
  // The watch stays until its time; its position keeps the restart point below this entry until the
  // push is durable.
  push(state, member, seq, undecided_from(), now);
}

void DeliveryDuty::tick(TimeMs now) {
  const auto mono = clock_.mono();
  while (!checks_.empty() && mono - checks_.front().opened >= settings_.confirm_within + kWindow) {
    const Check check = checks_.front();
    checks_.pop_front();
    ++first_check_;
    decide(check, now);
    --check.state->pins;
  }
  while (!refused_.empty() && refused_.front().again <= mono) {
    const Decided push = refused_.front();
    refused_.pop_front();
    // Confirmed meanwhile: not pushed.
    if (const auto* member = push.state->member(push.user);
        member && member->marks.delivered >= push.seq)
      end(push);
    else
      give(push);
  }
}

void DeliveryDuty::decide(const Check& check, TimeMs now) {
  auto* member = check.state->member(check.user);
  if (!member || member->marks.delivered >= check.seq || member->pushed >= check.seq) return;
  hand_over_(*check.state, check.user, Seq(member->marks.delivered.value + 1), check.seq);
  push(*check.state, *member, check.seq, check.position, now);
}

void DeliveryDuty::push(ConversationState& state, Member& member, Seq seq, std::uint64_t position,
                        TimeMs now) {
  member.pushed = std::max(member.pushed, seq);
  pushing_.insert(position);
  decided_.add();
  ++state.pins;
  give({&state, member.user, seq, position, now});
}

void DeliveryDuty::give(Decided push) {
  ++under_way_;
  notifications_.notify({Push{push.user, push.state->id, push.seq, push.at}},
                        [this, push](Result<void> done) {
                          --under_way_;
                          if (done) return end(push);
                          if (describe(done.error().code).retryable) {
                            if (push.again == Clock::Mono{})
                              log::warn("message", "a push has to wait: {}", done.error().message);
                            auto later = push;
                            later.again = clock_.mono() + kPushAgain;
                            return refused_.push_back(later);
                          }
                          // It stays undecided, so a restart tries again.
                          log::error("message", "push not recorded: {}", done.error().message);
                          --push.state->pins;
                        });
}

void DeliveryDuty::end(const Decided& push) {
  pushing_.erase(pushing_.find(push.position));
  --push.state->pins;
}

std::uint64_t DeliveryDuty::undecided_from() const {
  auto lowest = std::numeric_limits<std::uint64_t>::max();
  // Checks open in feed order but for entries that joined one: those are above its first.
  if (!checks_.empty()) lowest = checks_.front().position;
  if (!pushing_.empty()) lowest = std::min(lowest, *pushing_.begin());
  return lowest;
}

}  // namespace parley::message
