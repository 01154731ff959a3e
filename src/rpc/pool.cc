#include "rpc/pool.h"

#include <algorithm>
#include <boost/asio.hpp>
#include <set>

namespace parley::rpc {

void Pool::set(const std::vector<std::string>& addresses) {
  const std::lock_guard lock(mutex_);
  if (stopped_) return;
  std::set<std::string> fresh(addresses.begin(), addresses.end());
  for (auto member = members_.begin(); member != members_.end();) {
    const auto at = member++;
    if (fresh.erase(at->channel->address()) == 0) drop(at);
  }
  for (const auto& address : fresh) {
    auto settings = channel_;
    settings.address = address;
    members_.emplace_back(loops_, homes_++ % loops_.size(), std::move(settings), link_);
    if (started_) members_.back().link.start();
  }
  if (members_.empty()) empty_since_ = std::chrono::steady_clock::now();
}

void Pool::drop(std::list<Member>::iterator member) {
  std::erase_if(former_, [](const auto& channel) { return channel.expired(); });
  former_.push_back(member->channel);
  dropped_.splice(dropped_.end(), members_, member);
  auto& link = member->link;
  // It goes when nothing of it is on the stack any more.
  link.stop([this, member, &link] {
    link.post([this, member] {
      std::list<Member> gone;
      const std::lock_guard lock(mutex_);
      gone.splice(gone.end(), dropped_, member);
      if (dropped_.empty()) none_dropped_.notify_all();
    });
  });
}

void Pool::start() {
  const std::lock_guard lock(mutex_);
  started_ = true;
  for (auto& member : members_) member.link.start();
}

void Pool::stop() {
  std::unique_lock lock(mutex_);
  stopped_ = true;
  while (!members_.empty()) drop(members_.begin());
  for (const auto& former : former_)
    if (const auto channel = former.lock()) channel->stop();
  none_dropped_.wait(lock, [this] { return dropped_.empty(); });
}

Result<std::vector<std::shared_ptr<Channel>>> Pool::there() {
  const std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<Channel>> out;
  for (const auto& member : members_)
    if (!member.link.missing() && !member.link.is_silent()) out.push_back(member.channel);
  if (!out.empty()) {
    std::ranges::rotate(out, out.begin() + static_cast<std::ptrdiff_t>(turn_++ % out.size()));
    return out;
  }
  if (stopped_) return std::unexpected(unavailable("the server is stopping"));
  const auto missing = missing_now();
  return std::unexpected(unavailable(missing ? missing->why : "all are too slow: try again"));
}

Result<std::shared_ptr<Channel>> Pool::next() {
  PARLEY_TRY(channels, there());
  return channels.front();
}

std::vector<std::string> Pool::addresses() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> out;
  for (const auto& member : members_) out.push_back(member.channel->address());
  return out;
}

std::optional<Link::Missing> Pool::missing() const {
  const std::lock_guard lock(mutex_);
  return missing_now();
}

std::optional<Link::Missing> Pool::missing_now() const {
  Link::Missing out{empty_since_, members_.empty() ? "none is listed" : ""};
  for (const auto& member : members_) {
    const auto missing = member.link.missing();
    if (!missing) return std::nullopt;
    out.since = std::max(out.since, missing->since);
    out.why += (out.why.empty() ? "" : "; ") + missing->why;
  }
  return out;
}

}  // namespace parley::rpc
