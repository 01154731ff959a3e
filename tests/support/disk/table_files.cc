// RocksDB's side of a Disk.
#include <rocksdb/file_system.h>

#include "tests/support/disk/state.h"

namespace parley::test {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;
using State = std::shared_ptr<DiskState>;

IOStatus not_found(const std::string& path) { return IOStatus::PathNotFound(path); }

/// Bytes from `offset` on.
Slice read_at(const DiskState& state, const Inode& file, std::uint64_t offset, std::size_t n,
              char* scratch) {
  const std::lock_guard lock(state.mutex);
  if (offset >= file.live.size()) return {};
  return {scratch, file.live.copy(scratch, n, offset)};
}

class Sequential final : public rocksdb::FSSequentialFile {
 public:
  Sequential(State state, InodePtr file) : state_(std::move(state)), file_(std::move(file)) {}
  IOStatus Read(size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) override {
    *result = read_at(*state_, *file_, at_, n, scratch);
    at_ += result->size();
    return IOStatus::OK();
  }
  IOStatus Skip(uint64_t n) override {
    at_ += n;
    return IOStatus::OK();
  }

 private:
  State state_;
  InodePtr file_;
  std::uint64_t at_ = 0;
};

class RandomAccess final : public rocksdb::FSRandomAccessFile {
 public:
  RandomAccess(State state, InodePtr file) : state_(std::move(state)), file_(std::move(file)) {}
  IOStatus Read(uint64_t offset, size_t n, const IOOptions&, Slice* result, char* scratch,
                IODebugContext*) const override {
    *result = read_at(*state_, *file_, offset, n, scratch);
    return IOStatus::OK();
  }

 private:
  State state_;
  InodePtr file_;
};

class Writable final : public rocksdb::FSWritableFile {
 public:
  Writable(State state, InodePtr file) : state_(std::move(state)), file_(std::move(file)) {}
  using FSWritableFile::Append;
  IOStatus Append(const Slice& data, const IOOptions&, IODebugContext*) override {
    return state_->append(*file_, data.ToStringView()) ? IOStatus::OK()
                                                       : IOStatus::NoSpace("the disk is full");
  }
  IOStatus Truncate(uint64_t size, const IOOptions&, IODebugContext*) override {
    state_->truncate(*file_, size);
    return IOStatus::OK();
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Flush(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }
  IOStatus Sync(const IOOptions&, IODebugContext*) override {
    state_->sync(*file_, state_->honest.tables);
    return IOStatus::OK();
  }
  uint64_t GetFileSize(const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock(state_->mutex);
    return file_->live.size();
  }

 private:
  State state_;
  InodePtr file_;
};

class Folder final : public rocksdb::FSDirectory {
 public:
  Folder(State state, std::string path) : state_(std::move(state)), path_(std::move(path)) {}
  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    state_->sync_folder(path_);
    return IOStatus::OK();
  }
  IOStatus Close(const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  State state_;
  std::string path_;
};

struct Lock final : rocksdb::FileLock {
  explicit Lock(std::string p) : path(std::move(p)) {}
  std::string path;
};

class TableFiles final : public rocksdb::FileSystem {
 public:
  explicit TableFiles(State state) : state_(std::move(state)) {}
  const char* Name() const override { return "parley.test.disk"; }

  IOStatus NewSequentialFile(const std::string& path, const FileOptions&,
                             std::unique_ptr<rocksdb::FSSequentialFile>* out,
                             IODebugContext*) override {
    auto file = state_->find(clean(path));
    if (!file) return not_found(path);
    out->reset(new Sequential(state_, std::move(file)));
    return IOStatus::OK();
  }
  IOStatus NewRandomAccessFile(const std::string& path, const FileOptions&,
                               std::unique_ptr<rocksdb::FSRandomAccessFile>* out,
                               IODebugContext*) override {
    auto file = state_->find(clean(path));
    if (!file) return not_found(path);
    out->reset(new RandomAccess(state_, std::move(file)));
    return IOStatus::OK();
  }
  IOStatus NewWritableFile(const std::string& path, const FileOptions&,
                           std::unique_ptr<rocksdb::FSWritableFile>* out,
                           IODebugContext*) override {
    out->reset(new Writable(state_, state_->create(clean(path))));
    return IOStatus::OK();
  }
  IOStatus ReopenWritableFile(const std::string& path, const FileOptions&,
                              std::unique_ptr<rocksdb::FSWritableFile>* out,
                              IODebugContext*) override {
    auto file = state_->find(clean(path));
    if (!file) file = state_->create(clean(path));
    out->reset(new Writable(state_, std::move(file)));
    return IOStatus::OK();
  }
  IOStatus NewDirectory(const std::string& path, const IOOptions&,
                        std::unique_ptr<rocksdb::FSDirectory>* out, IODebugContext*) override {
    out->reset(new Folder(state_, clean(path)));
    return IOStatus::OK();
  }
  IOStatus FileExists(const std::string& path, const IOOptions&, IODebugContext*) override {
    if (state_->find(clean(path)) || is_folder(path)) return IOStatus::OK();
    return IOStatus::NotFound(path);
  }
  IOStatus GetChildren(const std::string& path, const IOOptions&, std::vector<std::string>* out,
                       IODebugContext*) override {
    if (!is_folder(path)) return IOStatus::NotFound(path);
    *out = state_->list(clean(path));
    return IOStatus::OK();
  }
  IOStatus DeleteFile(const std::string& path, const IOOptions&, IODebugContext*) override {
    return state_->remove(clean(path)) ? IOStatus::OK() : not_found(path);
  }
  IOStatus CreateDir(const std::string& path, const IOOptions& o, IODebugContext* c) override {
    return CreateDirIfMissing(path, o, c);
  }
  IOStatus CreateDirIfMissing(const std::string& path, const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock(state_->mutex);
    state_->folders.insert(clean(path));
    return IOStatus::OK();
  }
  IOStatus DeleteDir(const std::string& path, const IOOptions&, IODebugContext*) override {
    const std::lock_guard lock(state_->mutex);
    state_->folders.erase(clean(path));
    return IOStatus::OK();
  }
  IOStatus GetFileSize(const std::string& path, const IOOptions&, uint64_t* size,
                       IODebugContext*) override {
    const auto file = state_->find(clean(path));
    if (!file) return not_found(path);
    const std::lock_guard lock(state_->mutex);
    *size = file->live.size();
    return IOStatus::OK();
  }
  IOStatus GetFreeSpace(const std::string&, const IOOptions&, uint64_t* bytes,
                        IODebugContext*) override {
    const std::lock_guard lock(state_->mutex);
    const auto used = state_->used();
    *bytes = state_->quota > used ? state_->quota - used : 0;
    return IOStatus::OK();
  }
  IOStatus GetFileModificationTime(const std::string&, const IOOptions&, uint64_t* time,
                                   IODebugContext*) override {
    *time = 0;
    return IOStatus::OK();
  }
  IOStatus RenameFile(const std::string& from, const std::string& to, const IOOptions&,
                      IODebugContext*) override {
    return state_->rename(clean(from), clean(to)) ? IOStatus::OK() : not_found(from);
  }
  IOStatus LinkFile(const std::string& from, const std::string& to, const IOOptions&,
                    IODebugContext*) override {
    return state_->link(clean(from), clean(to)) ? IOStatus::OK() : IOStatus::IOError(from);
  }
  IOStatus LockFile(const std::string& path, const IOOptions&, rocksdb::FileLock** lock,
                    IODebugContext*) override {
    if (!state_->lock(clean(path))) return IOStatus::Busy(path);
    *lock = new Lock(clean(path));
    return IOStatus::OK();
  }
  IOStatus UnlockFile(rocksdb::FileLock* lock, const IOOptions&, IODebugContext*) override {
    const std::unique_ptr<Lock> held(static_cast<Lock*>(lock));
    state_->unlock(held->path);
    return IOStatus::OK();
  }
  IOStatus GetTestDirectory(const IOOptions&, std::string* path, IODebugContext*) override {
    *path = "/test";
    return IOStatus::OK();
  }
  IOStatus GetAbsolutePath(const std::string& path, const IOOptions&, std::string* out,
                           IODebugContext*) override {
    *out = path;
    return IOStatus::OK();
  }
  IOStatus IsDirectory(const std::string& path, const IOOptions&, bool* out,
                       IODebugContext*) override {
    *out = is_folder(path);
    return IOStatus::OK();
  }

 private:
  bool is_folder(const std::string& path) const {
    const std::lock_guard lock(state_->mutex);
    return state_->folders.contains(clean(path));
  }
  State state_;
};

}  // namespace

std::shared_ptr<rocksdb::Env> table_env(State state) {
  return rocksdb::NewCompositeEnv(std::make_shared<TableFiles>(std::move(state)));
}

}  // namespace parley::test
