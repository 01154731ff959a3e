#include "adapters/coordination/memory/coordinator.h"

#include "base/thread.h"
#include "domain/conversation_id.h"

namespace parley::coordination {

MemoryCoordinator::MemoryCoordinator(Settings settings)
    : settings_(settings),
      clock_(settings.clock ? *settings.clock : boot_),
      shards_(kShards, settings.times, settings.generations_above),
      nodes_(kNodeNumbers, settings.times) {
  if (settings_.clock) return;
  thread_ = std::thread([this] {
    name_thread("coordination");
    std::unique_lock lock(mutex_);
    for (;;) {
      wake_.wait(lock, [this] { return untold_ || stopping_; });
      if (stopping_) return;
      untold_ = false;
      lock.unlock();
      turn();
      lock.lock();
    }
  });
}

MemoryCoordinator::~MemoryCoordinator() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void MemoryCoordinator::turn() {
  const std::lock_guard one_at_a_time(calling_);
  std::vector<std::function<void()>> calls;
  {
    const std::lock_guard lock(mutex_);
    if (settings_.clock)
      for (auto* place : places_) go_on(*place);
    calls = due_calls();
  }
  for (auto& call : calls) call();
}

void MemoryCoordinator::go_on(Place& place) {
  const auto now = mono();
  if (!place.stalled && place.lease && sessions_.contains(place.session)) {
    sessions_[place.session] = now;
    place.lease->extend(now + settings_.times.lease);
    if (std::exchange(place.lapsed, false)) place.untold.push_back(SessionEvent::renewed);
  }
  if (place.lease && !place.lapsed && !place.lease->certainly_holds()) {
    place.lapsed = true;
    place.untold.push_back(SessionEvent::lapsed);
  }
  for (auto it = sessions_.begin(); it != sessions_.end();) {
    const auto [session, renewed] = *it++;
    if (now - renewed >= settings_.session_timeout) end_session(session);
  }
  if (place.stalled || sessions_.contains(place.session)) return;
  if (place.lease) {  // it learns of its loss when it reaches the coordinator again
    place.lease->end();
    place.lease.reset();
    place.untold.push_back(SessionEvent::lost);
  }
  open_session(place);
}

void MemoryCoordinator::open_session(Place& place) {
  const auto now = mono();
  place.session = fmt::format("{:x}", ++last_session_);
  sessions_[place.session] = now;
  place.lease = std::make_shared<Lease>(clock_);
  place.lease->extend(settings_.clock ? now + settings_.times.lease : Clock::Mono::max());
  place.lapsed = false;
  place.untold.push_back(SessionEvent::opened);
  for (const auto& member : place.own)
    if (!put(place, member)) continue;  // another has the id: tried again in the next session
  changed();
}

void MemoryCoordinator::end_session(const std::string& session) {
  sessions_.erase(session);
  std::erase_if(members_, [&](const auto& each) { return each.second.session == session; });
  see_live();
  changed();
}

void MemoryCoordinator::see_live() {
  std::vector<std::string> live;
  for (const auto& [session, renewed] : sessions_) live.push_back(session);
  shards_.see(live, mono());
  nodes_.see(live, mono());
}

void MemoryCoordinator::changed() {
  untold_ = true;
  wake_.notify_all();
}

std::vector<Member> MemoryCoordinator::list(std::string_view kind) const {
  std::vector<Member> out;
  for (const auto& [key, listed] : members_)
    if (key.first == kind) out.push_back(listed.member);
  return out;
}

Result<void> MemoryCoordinator::put(Place& place, const Member& member) {
  auto& listed = members_[{member.kind, member.id}];
  if (!listed.session.empty() && listed.session != place.session) {
    return fail_for(Code::already_exists,
                    fmt::format("another live process is {} {}", member.kind, member.id),
                    static_cast<std::uint32_t>(settings_.session_timeout.count()));
  }
  listed = {member, place.session};
  return {};
}

std::vector<std::function<void()>> MemoryCoordinator::due_calls() {
  std::vector<std::function<void()>> calls;
  for (auto* place : places_) {
    for (auto event : std::exchange(place->untold, {}))
      for (const auto& listener : place->listeners)
        calls.emplace_back([listener, event] { listener(event); });
    if (place->stalled) continue;
    for (const auto& watch : place->watches) {
      if (watch->members) {
        auto now = list(watch->kind);
        if (watch->told_members == now) continue;
        watch->told_members = now;
        calls.emplace_back([watch, now = std::move(now)] { watch->members(now); });
      } else {
        auto now = shards_.owners(mono());
        if (watch->told_owners && slots::same_owners(*watch->told_owners, now)) continue;
        watch->told_owners = now;
        calls.emplace_back([watch, now = std::move(now)] { watch->owners(now); });
      }
    }
  }
  return calls;
}

}  // namespace parley::coordination
