#include <filesystem>
#include <fmt/format.h>
#include <random>
#include <rocksdb/env.h>

#include "adapters/conversation_store/rocksdb/flush.h"
#include "adapters/conversation_store/rocksdb/group.h"
#include "adapters/conversation_store/rocksdb/parts.h"
#include "parley/store/v1/store.pb.h"

namespace parley {
namespace {

using conversation_log::Log;
using conversation_log::LogContents;
using conversation_log::LogFiles;
using Settings = RocksdbConversationStoreSettings;

constexpr std::uint32_t kFormat = 2;
constexpr std::string_view kIdentityKey = "identity";

std::uint64_t random_epoch() {
  std::random_device device;
  return static_cast<std::uint64_t>(device()) << 32 | device() | 1;
}

/// Whether the tables are to be made, or their making, which was cut short, is to be completed. A
/// store that has lost them must not pass for a new one.
Result<bool> must_create(LogFiles& files, const StorePaths& paths) {
  PARLEY_TRY(virgin, conversation_log::is_virgin_log(files, paths.log));
  PARLEY_TRY(current, files.exists(paths.tables + "/CURRENT"));
  if (current) return virgin;
  PARLEY_TRY(names, files.list(paths.tables));
  for (const auto& name : names) virgin = virgin && !name.ends_with(".sst");
  if (virgin) return true;
  return fail(Code::damaged, fmt::format("{}/CURRENT is missing, but the store has data. Nothing "
                                         "was changed; restore the folder from a backup",
                                         paths.tables));
}

Result<std::optional<store::v1::Identity>> read_identity(Index& index) {
  rocksdb::PinnableSlice bytes;
  PARLEY_TRY(found, index.get(Table::meta, kIdentityKey, bytes));
  if (!found) return std::nullopt;
  store::v1::Identity identity;
  if (!identity.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
    return fail(Code::damaged, "the store's identity cannot be read: restore it from a backup");
  return identity;
}

Result<void> check_identity(const store::v1::Identity& identity, const std::string& folder,
                            const Settings& settings) {
  if (identity.format() > kFormat)
    return fail(Code::unsupported,
                fmt::format("{} was written by a newer version of Parley (format {}, this one "
                            "knows {}): start that version",
                            folder, identity.format(), kFormat));
  if (identity.shards() != settings.shards)
    return fail(Code::invalid_argument,
                fmt::format("{} was made with {} shards, which cannot be changed to {}", folder,
                            identity.shards(), settings.shards));
  return {};
}

Result<void> write_identity(Index& index, const StorePaths& paths,
                            const store::v1::Identity& identity) {
  const auto path = paths.tables + "/identity.sst";
  Index::Writer writer(index, Table::meta, path);
  PARLEY_TRY_VOID(writer.add(kIdentityKey, identity.SerializeAsString()));
  PARLEY_TRY(written, writer.finish());
  std::array<std::string, kTables> ingest;
  if (written) ingest[static_cast<std::size_t>(Table::meta)] = path;
  return index.ingest(ingest);
}

/// The log begins before the identity is written: where there is an identity there must be a log.
Result<void> make(StoreParts& parts, const StorePaths& paths) {
  auto& files = *parts.files;
  PARLEY_TRY(virgin, conversation_log::is_virgin_log(files, paths.log));
  if (!virgin)
    return fail(Code::damaged, fmt::format("{} lacks the store's identity. Nothing was changed; "
                                           "restore the folder from a backup",
                                           paths.tables));
  PARLEY_TRY(names, files.list(paths.log));
  for (const auto& name : names) PARLEY_TRY_VOID(files.remove(paths.log + "/" + name));
  PARLEY_TRY_VOID(files.sync_directory(paths.log));
  parts.info = {random_epoch(), Generation(1), 0};
  PARLEY_TRY(log,
             Log::start({parts.files, paths.log, parts.info.epoch, parts.settings.segment_bytes},
                        LogContents{}, parts.info.generation.value));
  parts.log = std::move(log);
  parts.tail = std::make_unique<Tail>(0);

  store::v1::Identity identity;
  identity.set_format(kFormat);
  identity.set_epoch(parts.info.epoch);
  identity.set_shards(parts.settings.shards);
  return write_identity(*parts.index, paths, identity);
}

/// Replays what the tables do not have. Changes nothing.
Result<LogContents> recover(StoreParts& parts, const StorePaths& paths) {
  auto state = read_state(*parts.index);
  if (!state && state.error().code != Code::not_found)
    return std::unexpected(std::move(state).error());
  if (state) parts.state = std::move(*state);
  parts.tail = std::make_unique<Tail>(parts.state.feed);
  GroupReader reader;
  reader.append = [&](Append append, TimeMs now) {
    for (const auto& entry : append.entries)
      parts.state.last_issued = std::max(parts.state.last_issued, entry->id.value);
    parts.tail->append(append, now);
  };
  reader.position = [&](std::string consumer, std::uint64_t position) {
    auto& stored = parts.state.consumers[std::move(consumer)];
    stored = std::max(stored, position);
  };
  const auto epoch = parts.info.epoch;
  PARLEY_TRY(log, conversation_log::recover_log(
                      *parts.files, paths.log, epoch, parts.state.covered,
                      [&](const conversation_log::Record& record) -> Result<void> {
                        if (decode_group(record.payload, reader)) return {};
                        return fail(Code::damaged,
                                    fmt::format("{} holds a record at position {} that "
                                                "cannot be read: restore it from a backup",
                                                paths.log, record.position));
                      }));
  parts.tail_bytes = log.end - parts.state.covered;
  parts.info.last_issued = parts.state.last_issued;
  parts.info.generation = Generation(std::max(parts.state.generation.value, log.generation) + 1);
  return std::move(log);
}

Result<void> open_parts(StoreParts& parts, const StorePaths& paths) {
  const auto open_index = [&](Index::Mode mode) -> Result<void> {
    parts.index.reset();
    PARLEY_TRY(index, Index::open(paths.tables, parts.settings, mode));
    parts.index = std::move(index);
    return {};
  };
  PARLEY_TRY(create, must_create(*parts.files, paths));
  // RocksDB throws away what it does not know of as soon as it opens for writing; with a damaged
  // manifest that would be what the store holds. So all is read before anything is written.
  PARLEY_TRY_VOID(open_index(create ? Index::Mode::create : Index::Mode::read_only));
  PARLEY_TRY(identity, read_identity(*parts.index));
  if (!identity) return make(parts, paths);
  PARLEY_TRY_VOID(check_identity(*identity, paths.folder, parts.settings));
  PARLEY_TRY_VOID(parts.index->verify(parts.settings.verify_at_open_bytes));
  parts.info.epoch = identity->epoch();
  PARLEY_TRY(log, recover(parts, paths));
  if (!create) PARLEY_TRY_VOID(open_index(Index::Mode::read_write));
  if (identity->format() < kFormat) {
    // Before anything is written that the program of the older format would misread.
    identity->set_format(kFormat);
    PARLEY_TRY_VOID(write_identity(*parts.index, paths, *identity));
  }
  PARLEY_TRY(started,
             Log::start({parts.files, paths.log, parts.info.epoch, parts.settings.segment_bytes},
                        log, parts.info.generation.value));
  parts.log = std::move(started);
  return {};
}

Result<void> take_lock(StoreParts& parts, const StorePaths& paths) {
  auto lock = parts.files->lock(paths.lock);
  if (!lock) {
    if (lock.error().code != Code::unavailable) return std::unexpected(std::move(lock).error());
    return fail(Code::unavailable,
                fmt::format("{} is in use by another process: stop that one first", paths.folder));
  }
  parts.lock = std::move(*lock);
  return {};
}

}  // namespace

Result<StoreParts> read_store(const std::string& folder, Settings settings) {
  StoreParts parts;
  parts.settings = std::move(settings);
  parts.files = parts.settings.files ? parts.settings.files : conversation_log::posix_log_files();
  const StorePaths paths(folder);
  PARLEY_TRY(there, parts.files->exists(paths.tables + "/CURRENT"));
  if (!there) return fail(Code::not_found, fmt::format("there are no conversations in {}", folder));
  PARLEY_TRY_VOID(take_lock(parts, paths));
  PARLEY_TRY(index, Index::open(paths.tables, parts.settings, Index::Mode::read_only));
  parts.index = std::move(index);
  PARLEY_TRY(identity, read_identity(*parts.index));
  if (!identity)
    return fail(Code::not_found, fmt::format("there are no conversations in {}", folder));
  PARLEY_TRY_VOID(check_identity(*identity, paths.folder, parts.settings));
  parts.info.epoch = identity->epoch();
  if (auto log = recover(parts, paths); !log) return std::unexpected(log.error());
  return parts;
}

namespace {

/// A copy of before there were copied logs has none: its tables hold all.
Result<void> flush_copied_log(StoreParts& parts, const StorePaths& paths,
                              const store::v1::Identity& identity) {
  PARLEY_TRY(there, parts.files->exists(paths.copied_log));
  if (!there) return {};
  StorePaths from = paths;
  from.log = paths.copied_log;
  parts.info.epoch = identity.epoch();
  PARLEY_TRY(log, recover(parts, from));
  parts.state.covered = log.end;
  parts.state.feed = parts.tail->last_feed();
  parts.state.generation = parts.info.generation;
  PARLEY_TRY_VOID(
      flush(*parts.index, *parts.tail, parts.state, paths.flush, parts.settings.tables_env()));
  std::error_code error;
  std::filesystem::remove_all(paths.copied_log, error);
  if (error)
    return fail(Code::unavailable,
                fmt::format("cannot remove {}: {}", paths.copied_log, error.message()));
  return {};
}

}  // namespace

Result<void> restore_store(const std::string& folder, Settings settings) {
  StoreParts parts;
  parts.settings = std::move(settings);
  parts.files = parts.settings.files ? parts.settings.files : conversation_log::posix_log_files();
  const StorePaths paths(folder);
  PARLEY_TRY_VOID(parts.files->make_directory(paths.log));
  PARLEY_TRY_VOID(take_lock(parts, paths));
  PARLEY_TRY(index, Index::open(paths.tables, parts.settings, Index::Mode::read_write));
  parts.index = std::move(index);
  PARLEY_TRY(identity, read_identity(*parts.index));
  if (!identity) return fail(Code::damaged, fmt::format("{} is no copy of a store", folder));
  PARLEY_TRY_VOID(check_identity(*identity, folder, parts.settings));
  PARLEY_TRY_VOID(flush_copied_log(parts, paths, *identity));
  PARLEY_TRY(state, read_state(*parts.index));
  LogContents log;
  log.end = state.covered;
  identity->set_epoch(random_epoch());
  PARLEY_TRY_VOID(write_identity(*parts.index, paths, *identity));
  auto started =
      Log::start({parts.files, paths.log, identity->epoch(), parts.settings.segment_bytes}, log,
                 state.generation.value + 1);
  if (!started) return std::unexpected(std::move(started).error());
  return {};
}

Result<StoreParts> open_store(const std::string& folder, Settings settings) {
  StoreParts parts;
  parts.settings = std::move(settings);
  parts.files = parts.settings.files ? parts.settings.files : conversation_log::posix_log_files();
  const StorePaths paths(folder);
  auto& files = *parts.files;
  PARLEY_TRY_VOID(files.make_directory(paths.log));
  PARLEY_TRY_VOID(files.make_directory(paths.tables));
  PARLEY_TRY_VOID(files.sync_directory(folder));  // a killed process may have left them unsynced
  PARLEY_TRY_VOID(take_lock(parts, paths));
  auto opened = open_parts(parts, paths);
  if (!opened && opened.error().code == Code::storage_full && *files.exists(paths.reserve)) {
    // What is stored can be read, and flushed, on a full disk as well.
    parts.index.reset();
    PARLEY_TRY_VOID(files.remove(paths.reserve));
    opened = open_parts(parts, paths);
  }
  if (!opened) return std::unexpected(std::move(opened).error());
  return parts;
}

}  // namespace parley
