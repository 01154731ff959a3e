#include "net/admission.h"

#include <algorithm>

namespace parley::net {
namespace {

Admission::Address subscriber(Admission::Address address) {
  constexpr Admission::Address kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  if (std::equal(kMapped.begin(), kMapped.begin() + 12, address.begin())) return address;
  std::fill(address.begin() + 8, address.end(), 0);
  return address;
}

}  // namespace

Admission::Admission(std::size_t max_connections, std::size_t max_per_address)
    : max_connections_(max_connections), max_per_address_(max_per_address) {}

Admission::Entry Admission::enter(const Address& address) {
  std::lock_guard lock(mutex_);
  if (connections_ >= max_connections_) return {Verdict::full, 0};
  if (max_per_address_ == 0 || address == Address{}) {
    ++connections_;
    return {Verdict::admitted, 0};
  }
  auto [found, added] = by_address_.try_emplace(subscriber(address), 0);
  if (added) {
    if (free_.empty()) {
      found->second = static_cast<Ticket>(rows_.size());
      rows_.emplace_back();
    } else {
      found->second = free_.back();
      free_.pop_back();
    }
    rows_[found->second] = {found->first, 0};
  }
  auto& row = rows_[found->second];
  if (row.connections >= max_per_address_) return {Verdict::too_many_from_address, 0};
  ++row.connections;
  ++connections_;
  return {Verdict::admitted, found->second};
}

void Admission::leave(Ticket ticket) {
  std::lock_guard lock(mutex_);
  --connections_;
  if (ticket == 0 || --rows_[ticket].connections > 0) return;
  by_address_.erase(rows_[ticket].address);
  free_.push_back(ticket);
}

std::size_t Admission::connections() const {
  std::lock_guard lock(mutex_);
  return connections_;
}

}  // namespace parley::net
