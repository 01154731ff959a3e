#include "net/timing_wheel.h"

namespace parley::net {

TimingWheel::TimingWheel() {
  for (std::uint32_t i = 0; i < kLists; ++i) links_.push_back({i, i});
}

void TimingWheel::set(std::uint32_t number, std::uint32_t ticks) {
  const auto link = number + kLists;
  while (links_.size() <= link) {
    const auto next = static_cast<std::uint32_t>(links_.size());
    links_.push_back({next, next});
  }
  unlink(link);
  const auto head = (now_ + std::clamp(ticks, 1U, kHorizon)) % kBuckets;
  const auto last = links_[head].previous;
  links_[link] = {last, head};
  links_[last].next = link;
  links_[head].previous = link;
}

void TimingWheel::clear(std::uint32_t number) {
  if (number + kLists < links_.size()) unlink(number + kLists);
}

void TimingWheel::unlink(std::uint32_t link) {
  const auto [previous, next] = links_[link];
  links_[previous].next = next;
  links_[next].previous = previous;
  links_[link] = {link, link};
}

void TimingWheel::collect(std::uint32_t to) {
  if (to <= now_) return;
  const auto steps = std::min(to - now_, kBuckets);
  for (std::uint32_t i = 1; i <= steps; ++i) {
    auto& head = links_[(now_ + i) % kBuckets];
    if (head.next == (now_ + i) % kBuckets) continue;
    auto& due = links_[kDue];
    links_[head.next].previous = due.previous;
    links_[due.previous].next = head.next;
    links_[head.previous].next = kDue;
    due.previous = head.previous;
    head = {(now_ + i) % kBuckets, (now_ + i) % kBuckets};
  }
  now_ = to;
}

}  // namespace parley::net
