#include "adapters/coordination/zookeeper/membership.h"

#include <algorithm>

#include "base/log.h"

namespace parley::coordination {
namespace {

constexpr std::string_view kAgain = "(list own members again)";  // no path of ZooKeeper's

bool is_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text != "." && text != ".." &&
         std::ranges::all_of(text, [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
                  c == '.';
         });
}

}  // namespace

ZookeeperMembership::ZookeeperMembership(const Session& session, Watches& watches)
    : session_(session), watches_(watches) {
  watches_.add({std::string(kAgain)}, [this](const Watches::Changes&) { return put_all_again(); });
}

std::string ZookeeperMembership::folder(std::string_view kind) const {
  return session_.path(fmt::format("/members/{}", kind));
}

Result<void> ZookeeperMembership::put(const Member& member) {
  const auto path = fmt::format("{}/{}", folder(member.kind), member.id);
  const auto data = member.address + "\n" + member.attributes;
  for (;;) {
    PARLEY_TRY(made, session_.run("listing this process", [&](const Session::Present& now) {
      const auto created = now.handle->create(path, data, true);
      if (created != Zk::no_node) return created;
      const auto parent = now.handle->create(folder(member.kind), "", false);
      return parent == Zk::ok || parent == Zk::exists ? now.handle->create(path, data, true)
                                                      : parent;
    }));
    if (made == Zk::ok) return {};
    // It is there: this session's own (listed before, or by an attempt whose answer was lost)?
    Handle::Value present;
    std::int64_t number = 0;
    PARLEY_TRY(found, session_.run("listing this process", [&](const Session::Present& now) {
      number = now.number;
      return now.handle->get(path, present, false);
    }));
    if (found == Zk::no_node) continue;  // gone meanwhile
    if (present.owner != number) {
      return fail_for(Code::already_exists,
                      fmt::format("another live process is {} {}, at {}", member.kind, member.id,
                                  present.data.substr(0, present.data.find('\n'))),
                      static_cast<std::uint32_t>(session_.settings().session_timeout.count()));
    }
    PARLEY_TRY(set, session_.run("listing this process", [&](const Session::Present& now) {
      return now.handle->set(path, data, -1);
    }));
    if (set == Zk::ok) return {};
  }
}

Result<void> ZookeeperMembership::join(const Member& member) {
  if (!is_name(member.kind) || !is_name(member.id))
    return fail(Code::invalid_argument,
                fmt::format("\"{}\" \"{}\" cannot be the kind and id of a process: 1 to 64 of a-z "
                            "0-9 - _ .",
                            member.kind, member.id));
  if (member.attributes.size() > 4096)
    return fail(Code::too_large, "a process has at most 4096 bytes of attributes");
  const std::lock_guard lock(mutex_);
  PARLEY_TRY_VOID(put(member));
  std::erase_if(own_,
                [&](const Member& own) { return own.kind == member.kind && own.id == member.id; });
  own_.push_back(member);
  return {};
}

Result<void> ZookeeperMembership::leave(std::string_view kind, std::string_view id) {
  const std::lock_guard lock(mutex_);
  const auto erased =
      std::erase_if(own_, [&](const Member& own) { return own.kind == kind && own.id == id; });
  if (erased == 0) return {};
  PARLEY_TRY(removed, session_.run("leaving the list", [&](const Session::Present& now) {
    const auto path = fmt::format("{}/{}", folder(kind), id);
    Handle::Value present;
    const auto found = now.handle->get(path, present, false);
    if (found != Zk::ok || present.owner != now.number) return found;
    return now.handle->remove(path);
  }));
  static_cast<void>(removed);  // gone already is as good
  return {};
}

Result<void> ZookeeperMembership::put_all_again() {
  const std::lock_guard lock(mutex_);
  for (const auto& member : own_) {
    auto listed = put(member);
    if (listed) continue;
    if (listed.error().code == Code::already_exists)
      log::error("zookeeper", "event=id_taken kind={} id={} reason={}", member.kind, member.id,
                 listed.error().message);
    return listed;
  }
  return {};
}

void ZookeeperMembership::session_opened() { watches_.touch(kAgain); }

Result<std::vector<std::string>> ZookeeperMembership::ids(std::string_view kind, bool watch) {
  for (;;) {
    std::vector<std::string> ids;
    PARLEY_TRY(read, session_.run("reading the list", [&](const Session::Present& now) {
      return now.handle->children(folder(kind), ids, watch);
    }));
    if (read == Zk::ok) {
      std::ranges::sort(ids);
      return ids;
    }
    // None of this kind yet; a watch needs the folder.
    PARLEY_TRY_VOID(session_.run("reading the list", [&](const Session::Present& now) {
      return now.handle->create(folder(kind), "", false);
    }));
  }
}

Result<std::optional<Member>> ZookeeperMembership::read(std::string_view kind,
                                                        const std::string& id, bool watch) {
  Handle::Value value;
  PARLEY_TRY(got, session_.run("reading the list", [&](const Session::Present& now) {
    return now.handle->get(fmt::format("{}/{}", folder(kind), id), value, watch);
  }));
  const auto line = value.data.find('\n');
  if (got == Zk::no_node || line == std::string::npos) return std::nullopt;
  return Member{std::string(kind), id, value.data.substr(0, line), value.data.substr(line + 1)};
}

Result<std::vector<Member>> ZookeeperMembership::members(std::string_view kind) {
  PARLEY_TRY(listed, ids(kind, false));
  std::vector<Member> out;
  for (const auto& id : listed) {
    PARLEY_TRY(member, read(kind, id, false));
    if (member) out.push_back(std::move(*member));
  }
  return out;
}

/// Reads no more than what changed: of hundreds of members one says something new every moment.
Result<void> ZookeeperMembership::read_again(const std::string& kind,
                                             const Watches::Changes& changes, Known& known) {
  auto& members = known.members;
  std::set<std::string> due;
  if (changes.all) members.clear();
  if (changes.all || changes.paths.contains(folder(kind))) {
    PARLEY_TRY(listed, ids(kind, true));
    std::erase_if(members, [&](const auto& member) {
      return !std::ranges::binary_search(listed, member.first);
    });
    for (const auto& id : listed)
      if (!members.contains(id)) due.insert(id);
  }
  for (const auto& path : changes.paths)
    if (path != folder(kind)) due.insert(path.substr(path.rfind('/') + 1));
  for (const auto& id : due) {
    PARLEY_TRY(member, read(kind, id, true));
    if (member)
      members.insert_or_assign(id, std::move(*member));
    else
      members.erase(id);
  }
  return {};
}

void ZookeeperMembership::watch(std::string_view kind, Changed changed) {
  watches_.add({folder(kind)},
               [this, kind = std::string(kind), known = std::make_shared<Known>(),
                changed = std::move(changed)](const Watches::Changes& changes) -> Result<void> {
                 PARLEY_TRY_VOID(read_again(kind, changes, *known));
                 std::vector<Member> now;
                 for (const auto& [id, member] : known->members) now.push_back(member);
                 if (known->told == now) return {};
                 known->told = now;
                 changed(now);
                 return {};
               });
}

}  // namespace parley::coordination
