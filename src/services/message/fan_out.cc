#include "services/message/fan_out.h"

#include <boost/unordered/unordered_flat_map.hpp>
#include <boost/unordered/unordered_flat_set.hpp>

namespace parley::message {
namespace {

using Gateways = std::vector<GatewayId>;

/// The rows of `locate` by user.
class LocationTable {
 public:
  explicit LocationTable(const std::vector<Location>& rows) {
    for (const auto& row : rows) {
      of_[row.user].push_back(row.gateway);
      if (std::ranges::find(all_, row.gateway) == all_.end()) all_.push_back(row.gateway);
    }
  }
  const Gateways* find(UserId user) const {
    auto at = of_.find(user);
    return at == of_.end() ? nullptr : &at->second;
  }
  const Gateways& all() const { return all_; }

 private:
  boost::unordered_flat_map<UserId, Gateways, std::hash<UserId>> of_;
  Gateways all_;
};

template <class Item, class Users>
std::vector<UserId> unique_users(const std::vector<Item>& items, Users users_of) {
  boost::unordered_flat_set<UserId, std::hash<UserId>> seen;
  std::vector<UserId> out;
  for (const auto& item : items)
    for (auto user : users_of(item))
      if (seen.insert(user).second) out.push_back(user);
  return out;
}

/// The part of `items` whose recipients are at `gateway`, with those recipients only.
template <class Item>
std::vector<Item> part_for(const std::vector<Item>& items, GatewayId gateway,
                           const LocationTable& where) {
  std::vector<Item> part;
  for (const auto& item : items) {
    std::vector<UserId> here;
    for (auto user : item.recipients)
      if (auto* gateways = where.find(user);
          gateways && std::ranges::find(*gateways, gateway) != gateways->end())
        here.push_back(user);
    if (here.empty()) continue;
    part.push_back(item);
    part.back().recipients = std::move(here);
  }
  return part;
}

}  // namespace

void FanOut::deliver(std::vector<Delivery> entries,
                     std::move_only_function<void(std::vector<Absent>)> absent) {
  auto users = unique_users(entries, [](const Delivery& d) -> auto& { return d.recipients; });
  sessions_.locate(std::move(users),
                   [this, entries = std::move(entries),
                    absent = std::move(absent)](std::vector<Location> rows) mutable {
                     const LocationTable where(rows);
                     std::vector<Absent> nowhere;
                     for (const auto& entry : entries)
                       for (auto user : entry.recipients)
                         if (!where.find(user))
                           nowhere.push_back({entry.entry->conversation, entry.entry->seq, user});
                     for (auto gateway : where.all())
                       if (auto* api = reach_(gateway))
                         api->deliver(part_for(entries, gateway, where));
                     absent(std::move(nowhere));
                   });
}

void FanOut::receipts(std::vector<ReceiptNotice> notices) {
  if (notices.empty()) return;
  auto users = unique_users(notices, [](const ReceiptNotice& n) -> auto& { return n.recipients; });
  sessions_.locate(std::move(users),
                   [this, notices = std::move(notices)](std::vector<Location> rows) {
                     const LocationTable where(rows);
                     for (auto gateway : where.all())
                       if (auto* api = reach_(gateway))
                         api->receipts(part_for(notices, gateway, where));
                   });
}

void FanOut::changed(std::vector<ConversationNotice> notices) {
  if (notices.empty()) return;
  auto users =
      unique_users(notices, [](const ConversationNotice& n) { return std::array{n.user}; });
  sessions_.locate(std::move(users),
                   [this, notices = std::move(notices)](std::vector<Location> rows) {
                     const LocationTable where(rows);
                     for (auto gateway : where.all()) {
                       std::vector<ConversationNotice> part;
                       for (const auto& notice : notices)
                         if (auto* gateways = where.find(notice.user);
                             gateways && std::ranges::find(*gateways, gateway) != gateways->end())
                           part.push_back(notice);
                       if (auto* api = reach_(gateway)) api->changed(std::move(part));
                     }
                   });
}

}  // namespace parley::message
