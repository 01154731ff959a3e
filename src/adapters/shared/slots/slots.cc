#include "adapters/shared/slots/slots.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace parley::slots {
namespace {

// One line for each slot that was ever held: `slot generation session process`, `-` for none.
constexpr std::string_view kHeader = "parley slots 1\n";

std::string_view cut(std::string_view& rest, char end) {
  const auto at = std::min(rest.find(end), rest.size());
  const auto part = rest.substr(0, at);
  rest.remove_prefix(std::min(at + 1, rest.size()));
  return part;
}

bool number(std::string_view text, std::uint64_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

Result<void> Slots::assign(std::string_view text) {
  std::vector<Slot> read(slots_.size());
  if (!text.empty()) {
    if (!text.starts_with(kHeader))
      return fail(Code::damaged, "the table of slots has a format that this program does not know");
    text.remove_prefix(kHeader.size());
  }
  while (!text.empty()) {
    auto line = cut(text, '\n');
    std::uint64_t slot = 0;
    std::uint64_t generation = 0;
    if (!number(cut(line, ' '), slot) || slot >= read.size() || !number(cut(line, ' '), generation))
      return fail(Code::damaged, "the table of slots has a line that cannot be read");
    const auto session = cut(line, ' ');
    if (session.empty() || line.empty())
      return fail(Code::damaged, "the table of slots has a line that cannot be read");
    read[slot] = {generation, std::string(session == "-" ? "" : session),
                  std::string(line == "-" ? "" : line)};
  }
  slots_ = std::move(read);
  return {};
}

std::string Slots::text() const {
  std::string out(kHeader);
  for (std::size_t i = 0; i < slots_.size(); ++i)
    if (const auto& slot = slots_[i]; slot.generation != 0)
      fmt::format_to(std::back_inserter(out), "{} {} {} {}\n", i, slot.generation,
                     slot.session.empty() ? "-" : slot.session,
                     slot.process.empty() ? "-" : slot.process);
  return out;
}

void Slots::see(std::span<const std::string> live, Mono now) {
  std::unordered_map<std::string, Mono> gone;
  for (const auto& slot : slots_) {
    if (slot.session.empty() || gone.contains(slot.session) ||
        std::ranges::find(live, slot.session) != live.end())
      continue;
    const auto known = gone_.find(slot.session);
    gone.emplace(slot.session, known == gone_.end() ? now : known->second);
  }
  gone_ = std::move(gone);
}

std::optional<Mono> Slots::free_at(const Slot& slot) const {
  if (slot.session.empty()) return Mono::min();
  const auto gone = gone_.find(slot.session);
  if (gone == gone_.end()) return std::nullopt;
  return gone->second + wait_;
}

bool Slots::free(std::uint32_t slot, Mono now) const {
  const auto at = free_at(slots_[slot]);
  return at && *at <= now;
}

std::vector<Slots::Taken> Slots::take(std::span<const std::uint32_t> wanted,
                                      const std::string& session, const std::string& process,
                                      Mono now) {
  std::vector<Taken> taken;
  for (auto index : wanted) {
    if (index >= slots_.size()) continue;
    auto& slot = slots_[index];
    if (slot.session != session && !free(index, now)) continue;
    slot = {slot.generation + 1, session, process};
    taken.push_back({index, Generation(slot.generation)});
  }
  return taken;
}

Result<std::uint32_t> Slots::take_one(std::optional<std::uint32_t> wanted,
                                      const std::string& session, const std::string& process,
                                      Mono now, std::chrono::milliseconds session_timeout) {
  if (!wanted)
    for (std::uint32_t i = 0; !wanted && i < slots_.size(); ++i)
      if (slots_[i].session != session && free(i, now)) wanted = i;
  if (!wanted) return fail(Code::busy, fmt::format("all {} numbers are taken", slots_.size()));
  if (*wanted >= slots_.size())
    return fail(Code::invalid_argument,
                fmt::format("there is no number {}: they are 0 to {}", *wanted, slots_.size() - 1));
  const auto& slot = slots_[*wanted];
  if (slot.session == session || !free(*wanted, now)) {
    const auto wait = std::chrono::ceil<std::chrono::milliseconds>(
        free_at(slot).value_or(now + session_timeout + wait_) - now);
    return fail_for(Code::already_exists,
                    fmt::format("number {} is held by the process {}", *wanted, slot.process),
                    static_cast<std::uint32_t>(std::max<std::int64_t>(wait.count(), 0)));
  }
  take({&*wanted, 1}, session, process, now);
  return *wanted;
}

bool Slots::give(std::span<const std::uint32_t> slots, std::string_view session) {
  bool any = false;
  for (auto index : slots) {
    if (index >= slots_.size() || slots_[index].session != session) continue;
    slots_[index].session.clear();
    slots_[index].process.clear();
    any = true;
  }
  return any;
}

std::vector<ShardOwner> Slots::owners(Mono now) const {
  std::vector<ShardOwner> out;
  out.reserve(slots_.size());
  for (const auto& slot : slots_) {
    ShardOwner owner{slot.process, Generation(slot.generation), std::nullopt};
    if (const auto at = free_at(slot))
      owner.free_in = *at <= now ? std::chrono::milliseconds(0)
                                 : std::chrono::ceil<std::chrono::milliseconds>(*at - now);
    out.push_back(std::move(owner));
  }
  return out;
}

bool same_owners(const std::vector<ShardOwner>& a, const std::vector<ShardOwner>& b) {
  return std::ranges::equal(a, b, [](const ShardOwner& x, const ShardOwner& y) {
    return x.process == y.process && x.generation == y.generation &&
           x.free_in.has_value() == y.free_in.has_value();
  });
}

}  // namespace parley::slots
