#include "tests/support/disk/disk.h"

#include <algorithm>

#include "base/check.h"
#include "tests/support/disk/state.h"

namespace parley::test {
namespace {

using conversation_log::LogFile;
using conversation_log::LogFiles;
using State = std::shared_ptr<DiskState>;

std::unexpected<Error> no_space(const std::string& path) {
  return fail(Code::storage_full, "no space for " + path);
}

class DiskLogFile final : public LogFile {
 public:
  DiskLogFile(State state, InodePtr file, std::string path)
      : state_(std::move(state)), file_(std::move(file)), path_(std::move(path)) {}
  Result<void> write(std::uint64_t offset, std::string_view bytes) override {
    if (!state_->write(*file_, offset, bytes)) return no_space(path_);
    return {};
  }
  Result<void> sync() override {
    state_->sync(*file_, state_->honest.log);
    return {};
  }
  Result<std::size_t> read(std::uint64_t offset, std::span<char> into) override {
    const std::lock_guard lock(state_->mutex);
    return file_->live.copy(into.data(), into.size(), std::min(offset, file_->live.size()));
  }
  Result<std::uint64_t> size() override {
    const std::lock_guard lock(state_->mutex);
    return file_->live.size();
  }
  Result<bool> linked() override { return state_->links(*file_) > 1; }

 private:
  State state_;
  InodePtr file_;
  std::string path_;
};

class DiskLogFiles final : public LogFiles {
 public:
  explicit DiskLogFiles(State state) : state_(std::move(state)) {}

  Result<std::unique_ptr<LogFile>> open(const std::string& path) override {
    auto file = state_->find(path);
    if (!file) return fail(Code::internal, "cannot open " + path);
    return std::make_unique<DiskLogFile>(state_, std::move(file), path);
  }
  Result<std::unique_ptr<LogFile>> create(const std::string& path, std::uint64_t size) override {
    if (state_->find(path)) return fail(Code::internal, path + " exists");
    auto file = state_->create_filled(path, size);
    if (!file) return no_space(path);
    return std::make_unique<DiskLogFile>(state_, std::move(file), path);
  }
  Result<void> reserve(const std::string& path, std::uint64_t size) override {
    PARLEY_TRY_VOID(create(path, size));
    return {};
  }
  Result<void> rename(const std::string& from, const std::string& to) override {
    if (!state_->rename(from, to)) return fail(Code::internal, "cannot rename " + from);
    return {};
  }
  Result<void> link(const std::string& from, const std::string& to) override {
    if (!state_->link(from, to)) return fail(Code::internal, "cannot link " + from);
    return {};
  }
  Result<void> remove(const std::string& path) override {
    if (!state_->remove(path)) return fail(Code::internal, "cannot remove " + path);
    return {};
  }
  Result<std::vector<std::string>> list(const std::string& folder) override {
    return state_->list(folder);
  }
  Result<bool> exists(const std::string& path) override { return state_->find(path) != nullptr; }
  Result<void> make_directory(const std::string& path) override {
    const std::lock_guard lock(state_->mutex);
    state_->folders.insert(path);
    return {};
  }
  Result<void> sync_directory(const std::string& path) override {
    state_->sync_folder(path);
    return {};
  }
  Result<std::shared_ptr<void>> lock(const std::string& path) override {
    if (!state_->lock(path)) return fail(Code::unavailable, path + " is locked");
    return std::shared_ptr<void>(nullptr, [state = state_, path](void*) { state->unlock(path); });
  }

 private:
  State state_;
};

}  // namespace

Disk::Disk(Honest honest) : state_(std::make_shared<DiskState>()) { state_->honest = honest; }

std::shared_ptr<LogFiles> Disk::log_files() const { return std::make_shared<DiskLogFiles>(state_); }
std::shared_ptr<rocksdb::Env> Disk::env() const { return table_env(state_); }

void Disk::fail_after(std::uint64_t operations, Failure failure, std::uint64_t seed) {
  const std::lock_guard lock(state_->mutex);
  state_->fail_at = state_->operations + operations;
  state_->failure = failure;
  state_->seed = seed;
}
void Disk::fail_now(Failure failure, std::uint64_t seed) {
  const std::lock_guard lock(state_->mutex);
  if (state_->found) return;
  state_->failure = failure;
  state_->seed = seed;
  state_->fail();
}
bool Disk::failed() const {
  const std::lock_guard lock(state_->mutex);
  return state_->found != nullptr;
}
Disk Disk::found() const {
  const std::lock_guard lock(state_->mutex);
  PARLEY_CHECK(state_->found != nullptr, "nothing failed yet");
  return Disk(state_->found);
}
Disk Disk::copy() const {
  const std::lock_guard lock(state_->mutex);
  return Disk(state_->after_kill());
}
void Disk::set_quota(std::uint64_t bytes) {
  const std::lock_guard lock(state_->mutex);
  state_->quota = bytes;
}
std::uint64_t Disk::used() const {
  const std::lock_guard lock(state_->mutex);
  return state_->used();
}
void Disk::damage(const std::string& path, std::uint64_t offset) {
  const auto file = state_->find(path);
  PARLEY_CHECK(file != nullptr && offset < file->live.size(), "no such byte");
  const std::lock_guard lock(state_->mutex);
  file->live[offset] = static_cast<char>(file->live[offset] ^ 0x55);
  file->durable = file->live;
}
std::uint64_t Disk::size(const std::string& path) const {
  const auto file = state_->find(path);
  const std::lock_guard lock(state_->mutex);
  return file ? file->live.size() : 0;
}
std::vector<std::string> Disk::list(const std::string& folder) const {
  return state_->list(folder);
}

}  // namespace parley::test
