#include "tests/support/disk/state.h"

#include <algorithm>

namespace parley::test {
namespace {

constexpr std::uint64_t kSector = 512;
using Random = std::mt19937_64;

/// The first changes, the last of them torn.
std::string beginning(const Inode& file, Random& random) {
  auto bytes = file.durable;
  const auto whole = random() % (file.pending.size() + 1);
  for (std::size_t i = 0; i < whole; ++i) file.pending[i].apply(bytes);
  if (whole < file.pending.size() && !file.pending[whole].truncate) {
    auto torn = file.pending[whole];
    torn.data.resize(random() % (torn.data.size() + 1));
    torn.apply(bytes);
  }
  return bytes;
}

/// Any sectors of what was written over old bytes, and a beginning of what was appended.
std::string sectors(const Inode& file, Random& random) {
  auto bytes = file.durable;
  bool grows = true;
  for (const auto& change : file.pending) {
    if (change.truncate) {
      if (grows && random() % 2) change.apply(bytes);
      continue;
    }
    for (std::uint64_t at = change.offset, end = at + change.data.size(); at < end;) {
      const auto next = std::min(end, (at / kSector + 1) * kSector);
      const bool over = next <= bytes.size();
      if (random() % 2 && (over || (grows && at <= bytes.size())))
        Change{at, change.data.substr(at - change.offset, next - at)}.apply(bytes);
      else if (!over)
        grows = false;
      at = next;
    }
  }
  return bytes;
}

std::string left_of(const Inode& file, Random& random) {
  if (file.pending.empty()) return file.durable;
  switch (random() % 3) {
    case 0:
      return file.durable;
    case 1:
      return beginning(file, random);
    default:
      return sectors(file, random);
  }
}

void change_in(std::map<std::string, InodePtr>& names, const NameChange& change) {
  for (const auto& [path, file] : change) {
    if (file)
      names[path] = file;
    else
      names.erase(path);
  }
}

}  // namespace

std::string clean(const std::string& path) {
  std::string out;
  for (const char c : path)
    if (c != '/' || !out.ends_with('/')) out.push_back(c);
  if (out.size() > 1 && out.ends_with('/')) out.pop_back();
  return out;
}
std::string folder_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

void Change::apply(std::string& bytes) const {
  if (truncate) {
    bytes.resize(std::min<std::size_t>(bytes.size(), offset));
    return;
  }
  if (bytes.size() < offset + data.size()) bytes.resize(offset + data.size());
  bytes.replace(offset, data.size(), data);
}

void DiskState::step() {
  if (++operations == fail_at) fail();
}
void DiskState::fail() {
  if (found) return;
  found = failure == Failure::power ? after_power_cut() : after_kill();
}

InodePtr DiskState::find(const std::string& path) const {
  const std::lock_guard lock(mutex);
  const auto at = names.find(path);
  return at == names.end() ? nullptr : at->second;
}
std::vector<std::string> DiskState::list(const std::string& folder) const {
  const std::lock_guard lock(mutex);
  std::vector<std::string> out;
  for (const auto& [path, file] : names)
    if (folder_of(path) == folder) out.push_back(path.substr(folder.size() + 1));
  return out;
}

std::uint64_t DiskState::used() const {
  std::set<const Inode*> files;
  std::uint64_t total = 0;
  for (const auto& [path, file] : names)
    if (files.insert(file.get()).second) total += file->live.size();
  return total;
}

bool DiskState::write(Inode& file, std::uint64_t offset, std::string_view bytes) {
  const std::lock_guard lock(mutex);
  const auto end = offset + bytes.size();
  if (end > file.live.size() && quota != UINT64_MAX && used() + end - file.live.size() > quota)
    return false;
  file.pending.push_back({offset, std::string(bytes)});
  file.pending.back().apply(file.live);
  step();  // what is being written may be on the disk already
  return true;
}
bool DiskState::append(Inode& file, std::string_view bytes) {
  return write(file, file.live.size(), bytes);  // one writer a file
}
void DiskState::truncate(Inode& file, std::uint64_t size) {
  const std::lock_guard lock(mutex);
  file.pending.push_back({size, {}, true});
  file.pending.back().apply(file.live);
  step();
}
void DiskState::sync(Inode& file, bool honest_sync) {
  const std::lock_guard lock(mutex);
  step();
  if (!honest_sync) return;
  file.durable = file.live;
  file.pending.clear();
}

void DiskState::change_names(const std::string& folder, NameChange change) {
  change_in(names, change);
  pending_names[folder].push_back(std::move(change));
  step();
}
InodePtr DiskState::create(const std::string& path) {
  if (auto old = find(path)) {
    truncate(*old, 0);
    return old;
  }
  const std::lock_guard lock(mutex);
  auto file = std::make_shared<Inode>();
  change_names(folder_of(path), {{path, file}});
  return file;
}
InodePtr DiskState::create_filled(const std::string& path, std::uint64_t size) {
  const std::lock_guard lock(mutex);
  if (quota != UINT64_MAX && used() + size > quota) return nullptr;
  auto file = std::make_shared<Inode>();
  file->live = file->durable = std::string(size, '\0');
  change_names(folder_of(path), {{path, file}});
  return file;
}
bool DiskState::link(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex);
  const auto at = names.find(from);
  if (at == names.end() || names.contains(to)) return false;
  change_names(folder_of(to), {{to, at->second}});
  return true;
}
std::size_t DiskState::links(const Inode& file) const {
  const std::lock_guard lock(mutex);
  return static_cast<std::size_t>(
      std::ranges::count(names, &file, [](const auto& name) { return name.second.get(); }));
}
bool DiskState::rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(mutex);
  const auto at = names.find(from);
  if (at == names.end() || folder_of(from) != folder_of(to)) return false;
  change_names(folder_of(to), {{to, at->second}, {from, nullptr}});
  return true;
}
bool DiskState::remove(const std::string& path) {
  const std::lock_guard lock(mutex);
  if (!names.contains(path)) return false;
  change_names(folder_of(path), {{path, nullptr}});
  return true;
}
void DiskState::sync_folder(const std::string& folder) {
  const std::lock_guard lock(mutex);
  step();
  if (!honest.names) return;
  for (const auto& change : pending_names[folder]) change_in(durable_names, change);
  pending_names.erase(folder);
}

bool DiskState::lock(const std::string& path) {
  const std::lock_guard lock(mutex);
  return locks.insert(path).second;
}
void DiskState::unlock(const std::string& path) {
  const std::lock_guard lock(mutex);
  locks.erase(path);
}

std::shared_ptr<DiskState> DiskState::after_power_cut() const {
  auto next = std::make_shared<DiskState>();
  next->honest = honest;
  next->folders = folders;
  Random random(seed);
  auto left = durable_names;
  for (const auto& [folder, changes] : pending_names) {
    const auto kept = random() % (changes.size() + 1);
    for (std::size_t i = 0; i < kept; ++i) change_in(left, changes[i]);
  }
  std::map<const Inode*, InodePtr> copies;
  for (const auto& [path, file] : left) {
    auto& copy = copies[file.get()];
    if (!copy) {
      copy = std::make_shared<Inode>();
      copy->live = copy->durable = left_of(*file, random);
    }
    next->names[path] = copy;
  }
  next->durable_names = next->names;
  return next;
}

std::shared_ptr<DiskState> DiskState::after_kill() const {
  auto next = std::make_shared<DiskState>();
  next->honest = honest;
  next->folders = folders;
  std::map<const Inode*, InodePtr> copies;
  const auto copy_of = [&](const InodePtr& file) {
    if (!file) return file;
    auto& copy = copies[file.get()];
    if (!copy) copy = std::make_shared<Inode>(*file);
    return copy;
  };
  for (const auto& [path, file] : names) next->names[path] = copy_of(file);
  for (const auto& [path, file] : durable_names) next->durable_names[path] = copy_of(file);
  next->pending_names = pending_names;
  for (auto& [folder, changes] : next->pending_names)
    for (auto& change : changes)
      for (auto& [path, file] : change) file = copy_of(file);
  return next;
}

}  // namespace parley::test
