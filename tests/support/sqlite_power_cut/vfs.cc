#include "tests/support/sqlite_power_cut/vfs.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <sqlite3.h>
#include <string>
#include <vector>

namespace parley::test {
namespace {

constexpr std::size_t kSector = 512;

/// A write, or a truncation (`data` empty, the file is `offset` long from then on).
struct Change {
  std::size_t offset;
  std::string data;
  bool truncate;

  void apply(std::string& image) const {
    if (truncate) {
      image.resize(offset);
      return;
    }
    if (image.size() < offset + data.size()) image.resize(offset + data.size());
    image.replace(offset, data.size(), data);
  }
};

struct Shadow {
  bool exists = false;          // on the disk, not only in the page cache
  std::string synced;           // what the disk holds
  std::vector<Change> pending;  // what only the page cache holds
};

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

struct File {
  sqlite3_file base;
  PowerCutVfs::State* state;
  Shadow* shadow;  // null: a temporary file
  sqlite3_file* real;
};

}  // namespace

struct PowerCutVfs::State {
  sqlite3_vfs vfs{};
  sqlite3_vfs* real = nullptr;
  std::mutex mutex;
  std::map<std::string, Shadow> shadows;
  bool counting = false, cut = false, full = false, syncs_fail = false;
  std::uint64_t left = 0;

  /// Counts an operation; false: the power is off, or fails in it.
  bool step() {
    if (cut) return false;
    if (counting && --left == 0) cut = true;
    return !cut;
  }
  int change(File* file, Change change) {
    const std::lock_guard lock(mutex);
    if (cut) return SQLITE_IOERR_WRITE;
    if (full && !change.truncate) return SQLITE_FULL;
    file->shadow->pending.push_back(std::move(change));  // the one in flight may reach the disk
    return step() ? SQLITE_OK : SQLITE_IOERR_WRITE;
  }
  int sync(File* file) {
    const std::lock_guard lock(mutex);
    if (!step()) return SQLITE_IOERR_WRITE;
    if (syncs_fail) return SQLITE_IOERR_FSYNC;
    for (const auto& change : file->shadow->pending) change.apply(file->shadow->synced);
    file->shadow->pending.clear();
    file->shadow->exists = true;
    return SQLITE_OK;
  }
};

namespace {

File* file_of(sqlite3_file* f) { return reinterpret_cast<File*>(f); }
PowerCutVfs::State* state_of(sqlite3_vfs* v) {
  return static_cast<PowerCutVfs::State*>(v->pAppData);
}

int close_file(sqlite3_file* f) { return file_of(f)->real->pMethods->xClose(file_of(f)->real); }
int read_file(sqlite3_file* f, void* to, int size, sqlite3_int64 at) {
  return file_of(f)->real->pMethods->xRead(file_of(f)->real, to, size, at);
}
int write_file(sqlite3_file* f, const void* from, int size, sqlite3_int64 at) {
  File* file = file_of(f);
  if (file->shadow) {
    const auto* bytes = static_cast<const char*>(from);
    const int result = file->state->change(
        file, {static_cast<std::size_t>(at), {bytes, static_cast<std::size_t>(size)}, false});
    if (result != SQLITE_OK) return result;
  }
  return file->real->pMethods->xWrite(file->real, from, size, at);
}
int truncate_file(sqlite3_file* f, sqlite3_int64 size) {
  File* file = file_of(f);
  if (file->shadow) {
    const int result = file->state->change(file, {static_cast<std::size_t>(size), {}, true});
    if (result != SQLITE_OK) return result;
  }
  return file->real->pMethods->xTruncate(file->real, size);
}
int sync_file(sqlite3_file* f, int) {
  File* file = file_of(f);
  return file->shadow ? file->state->sync(file) : SQLITE_OK;
}
int file_size(sqlite3_file* f, sqlite3_int64* size) {
  return file_of(f)->real->pMethods->xFileSize(file_of(f)->real, size);
}
int lock_file(sqlite3_file* f, int level) {
  return file_of(f)->real->pMethods->xLock(file_of(f)->real, level);
}
int unlock_file(sqlite3_file* f, int level) {
  return file_of(f)->real->pMethods->xUnlock(file_of(f)->real, level);
}
int check_reserved(sqlite3_file* f, int* out) {
  return file_of(f)->real->pMethods->xCheckReservedLock(file_of(f)->real, out);
}
int control(sqlite3_file* f, int op, void* arg) {
  return file_of(f)->real->pMethods->xFileControl(file_of(f)->real, op, arg);
}
int sector_size(sqlite3_file* f) {
  return file_of(f)->real->pMethods->xSectorSize(file_of(f)->real);
}
int characteristics(sqlite3_file* f) {
  return file_of(f)->real->pMethods->xDeviceCharacteristics(file_of(f)->real);
}
int shm_map(sqlite3_file* f, int page, int size, int extend, void volatile** out) {
  return file_of(f)->real->pMethods->xShmMap(file_of(f)->real, page, size, extend, out);
}
int shm_lock(sqlite3_file* f, int offset, int n, int flags) {
  return file_of(f)->real->pMethods->xShmLock(file_of(f)->real, offset, n, flags);
}
void shm_barrier(sqlite3_file* f) { file_of(f)->real->pMethods->xShmBarrier(file_of(f)->real); }
int shm_unmap(sqlite3_file* f, int remove) {
  return file_of(f)->real->pMethods->xShmUnmap(file_of(f)->real, remove);
}

const sqlite3_io_methods kMethods = {
    2,         close_file,  read_file,      write_file, truncate_file, sync_file,       file_size,
    lock_file, unlock_file, check_reserved, control,    sector_size,   characteristics, shm_map,
    shm_lock,  shm_barrier, shm_unmap,      nullptr,    nullptr};

int open_file(sqlite3_vfs* v, sqlite3_filename name, sqlite3_file* f, int flags, int* out_flags) {
  auto* state = state_of(v);
  File* file = file_of(f);
  file->base.pMethods = nullptr;
  file->state = state;
  file->shadow = nullptr;
  file->real = reinterpret_cast<sqlite3_file*>(file + 1);
  if (name) {
    const std::lock_guard lock(state->mutex);
    if (state->cut) return SQLITE_CANTOPEN;
    const auto [at, fresh] = state->shadows.try_emplace(name);
    if (fresh && std::filesystem::exists(name)) {
      at->second.exists = true;
      at->second.synced = content_of(name);
    }
    file->shadow = &at->second;
  }
  const int result = state->real->xOpen(state->real, name, file->real, flags, out_flags);
  if (result == SQLITE_OK) file->base.pMethods = &kMethods;
  return result;
}
// A removal reaches the disk at once: SQLite removes a log only after its content is synced
// elsewhere.
int delete_file(sqlite3_vfs* v, const char* name, int sync_folder) {
  auto* state = state_of(v);
  const std::lock_guard lock(state->mutex);
  if (!state->step()) return SQLITE_IOERR_DELETE;
  state->shadows[name] = {};
  return state->real->xDelete(state->real, name, sync_folder);
}

}  // namespace

PowerCutVfs::PowerCutVfs() : state_(std::make_unique<State>()) {
  state_->real = sqlite3_vfs_find(nullptr);
  state_->vfs = *state_->real;
  state_->vfs.zName = "parley_power_cut";
  state_->vfs.pNext = nullptr;
  state_->vfs.szOsFile = static_cast<int>(sizeof(File)) + state_->real->szOsFile;
  state_->vfs.pAppData = state_.get();
  state_->vfs.xOpen = open_file;
  state_->vfs.xDelete = delete_file;
  // xAccess, xFullPathname and the rest of the real one take its own sqlite3_vfs.
  state_->vfs.xAccess = [](sqlite3_vfs* v, const char* name, int flags, int* out) {
    return state_of(v)->real->xAccess(state_of(v)->real, name, flags, out);
  };
  state_->vfs.xFullPathname = [](sqlite3_vfs* v, const char* name, int size, char* out) {
    return state_of(v)->real->xFullPathname(state_of(v)->real, name, size, out);
  };
  sqlite3_vfs_register(&state_->vfs, 1);
}

PowerCutVfs::~PowerCutVfs() {
  sqlite3_vfs_unregister(&state_->vfs);
  sqlite3_vfs_register(state_->real, 1);
}

void PowerCutVfs::cut_after(std::uint64_t operations) {
  const std::lock_guard lock(state_->mutex);
  state_->counting = true;
  state_->left = operations;
}

bool PowerCutVfs::is_cut() const {
  const std::lock_guard lock(state_->mutex);
  return state_->cut;
}

void PowerCutVfs::fill_disk(bool full) {
  const std::lock_guard lock(state_->mutex);
  state_->full = full;
}

void PowerCutVfs::fail_syncs() {
  const std::lock_guard lock(state_->mutex);
  state_->syncs_fail = true;
}

void PowerCutVfs::power_on(std::uint64_t seed) {
  const std::lock_guard lock(state_->mutex);
  std::mt19937_64 random(seed);
  for (auto& [path, shadow] : state_->shadows) {
    std::filesystem::remove(path + "-shm");
    std::string image = shadow.synced;
    bool exists = shadow.exists;
    if (seed % 3 == 1) {  // a beginning of what was written
      shadow.pending.resize(random() % (shadow.pending.size() + 1));
      for (const auto& change : shadow.pending) change.apply(image);
      exists |= !shadow.pending.empty();
    } else if (seed % 3 == 2) {  // single sectors, in any order
      for (const auto& change : shadow.pending) {
        for (std::size_t at = 0; at < std::max<std::size_t>(change.data.size(), 1); at += kSector) {
          if (random() % 2) continue;
          Change(change.offset + at, change.data.substr(at, kSector), change.truncate).apply(image);
          exists = true;
        }
      }
    }
    if (exists) {
      std::ofstream(path, std::ios::binary | std::ios::trunc) << image;
    } else {
      std::filesystem::remove(path);
    }
    shadow = {.exists = exists, .synced = std::move(image), .pending = {}};
  }
  state_->counting = state_->cut = false;
}

}  // namespace parley::test
