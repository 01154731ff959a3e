#include "adapters/conversation_store/rocksdb/index.h"

#include <atomic>
#include <cstdarg>
#include <fmt/format.h>
#include <limits>
#include <rocksdb/cache.h>
#include <rocksdb/filter_policy.h>
#include <rocksdb/listener.h>
#include <rocksdb/sst_file_writer.h>
#include <rocksdb/table.h>
#include <vector>

#include "adapters/conversation_store/rocksdb/max_merge.h"
#include "base/check.h"
#include "base/log.h"
#include "base/one_line.h"
#include "base/thread.h"
#include "ports/quick_reads.h"

namespace parley {
namespace {

constexpr std::array<const char*, kTables> kNames{"meta",  "entries", "idem",
                                                  "inbox", "marks",   "feed"};

constexpr std::uint64_t kSpaceToIngest = 64 << 10;  // bytes

std::unexpected<Error> not_quick() { return fail(Code::busy, "this takes a while"); }

rocksdb::ReadOptions read_options() {
  rocksdb::ReadOptions options;
  if (QuickReads::wanted()) options.read_tier = rocksdb::kBlockCacheTier;
  return options;
}

Error to_error(const rocksdb::Status& status, std::string_view what) {
  const auto reason = one_line(status.ToString());
  if (status.IsNoSpace()) return {Code::storage_full, fmt::format("cannot {}: {}", what, reason)};
  const bool damaged = status.IsCorruption() || status.IsPathNotFound() || status.IsNotFound() ||
                       status.IsInvalidArgument();
  if (damaged)
    return {Code::damaged, fmt::format("cannot {}: a file is damaged: {}. Nothing was changed; "
                                       "restore the folder from a backup",
                                       what, reason)};
  return {Code::internal, fmt::format("cannot {}: {}", what, reason)};
}

/// RocksDB's own log: what it says of failures comes back as a status as well, or is counted (see
/// `resume`), so that only what it calls fatal goes to ours.
class Relay final : public rocksdb::Logger {
 public:
  Relay() : Logger(rocksdb::InfoLogLevel::FATAL_LEVEL) {}
  using Logger::Logv;
  void Logv(const char* format, va_list args) override {
    char line[512];
    const int n = std::vsnprintf(line, sizeof line, format, args);
    if (n > 0) log::error("rocksdb", "{}", line);
  }
};

/// They wait for nobody, and commits for them only when they are far behind.
class Compactions final : public rocksdb::EventListener {
  void OnCompactionBegin(rocksdb::DB*, const rocksdb::CompactionJobInfo&) override { step_back(); }
};

rocksdb::BlockBasedTableOptions table_options(const std::shared_ptr<rocksdb::Cache>& cache,
                                              Table table) {
  rocksdb::BlockBasedTableOptions options;
  options.block_cache = cache;
  options.cache_index_and_filter_blocks = true;
  options.cache_index_and_filter_blocks_with_high_priority = true;
  options.pin_l0_filter_and_index_blocks_in_cache = false;
  options.format_version = 5;
  // Ranges are all that is asked of the other two.
  if (table != Table::inbox && table != Table::feed)
    options.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  return options;
}

rocksdb::ColumnFamilyOptions family_options(const std::shared_ptr<rocksdb::Cache>& cache,
                                            Table table) {
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table_options(cache, table)));
  options.write_buffer_size = 64 << 10;  // nothing is ever written through one
  options.compaction_style = rocksdb::kCompactionStyleUniversal;
  options.compaction_options_universal.allow_trivial_move = true;
  options.level0_file_num_compaction_trigger = 8;
  options.compression = rocksdb::kNoCompression;
  options.bottommost_compression = rocksdb::kLZ4Compression;
  if (table == Table::inbox) options.merge_operator = inbox_merge();
  if (table == Table::marks) options.merge_operator = marks_merge();
  return options;
}

}  // namespace

struct Index::Impl {
  std::string folder;
  std::shared_ptr<rocksdb::Env> env;
  std::shared_ptr<rocksdb::Cache> cache;
  std::uint64_t errors_seen = 0;
  rocksdb::DBOptions db_options;
  std::array<rocksdb::ColumnFamilyOptions, kTables> family;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*> handles;  // the tables', then the unused default

  rocksdb::ColumnFamilyHandle* handle(Table table) const {
    return handles[static_cast<std::size_t>(table)];
  }
};

Index::Index(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Index::~Index() {
  for (auto* handle : impl_->handles) impl_->db->DestroyColumnFamilyHandle(handle);
  impl_->db->Close().PermitUncheckedError();
}

Result<std::unique_ptr<Index>> Index::open(std::string folder, const Settings& settings,
                                           Mode mode) {
  auto impl = std::make_unique<Impl>();
  impl->folder = std::move(folder);
  impl->env = settings.env;
  impl->cache = rocksdb::NewLRUCache(settings.block_cache_bytes, 2);
  auto& options = impl->db_options;
  options.env = impl->env ? impl->env.get() : rocksdb::Env::Default();
  options.create_if_missing = mode == Mode::create;
  options.create_missing_column_families = mode == Mode::create;
  options.max_open_files = settings.max_open_files;
  options.max_background_jobs = settings.background_jobs;
  options.max_file_opening_threads = 1;
  // Tables reach the disk in small pieces, so that no sync of the log waits for much.
  options.bytes_per_sync = 256 << 10;
  options.strict_bytes_per_sync = true;
  options.skip_stats_update_on_db_open = true;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  options.max_manifest_file_size = 4 << 20;
  options.info_log = std::make_shared<Relay>();
  options.listeners.push_back(std::make_shared<Compactions>());

  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (std::size_t i = 0; i < kTables; ++i) {
    impl->family[i] = family_options(impl->cache, static_cast<Table>(i));
    families.emplace_back(kNames[i], impl->family[i]);
  }
  families.emplace_back(rocksdb::kDefaultColumnFamilyName, impl->family[0]);
  rocksdb::DB* db = nullptr;
  const auto status =
      mode == Mode::read_only
          ? rocksdb::DB::OpenForReadOnly(options, impl->folder, families, &impl->handles, &db)
          : rocksdb::DB::Open(options, impl->folder, families, &impl->handles, &db);
  if (!status.ok()) {
    std::string manifest;
    if (!rocksdb::ReadFileToString(options.env, impl->folder + "/CURRENT", &manifest).ok())
      manifest = "?";
    if (manifest.ends_with('\n')) manifest.pop_back();
    return std::unexpected(to_error(
        status, fmt::format("open the store {0} ({0}/CURRENT names {1})", impl->folder, manifest)));
  }
  impl->db.reset(db);
  return std::unique_ptr<Index>(new Index(std::move(impl)));
}

Result<bool> Index::get(Table table, std::string_view key, rocksdb::PinnableSlice& out) {
  const auto status = impl_->db->Get(read_options(), impl_->handle(table), key, &out);
  // Of a file that is not open yet RocksDB says ok with nothing read ("may exist"); no row is
  // empty.
  const bool unknown = QuickReads::wanted() && status.ok() && out.empty();
  if (status.IsIncomplete() || unknown || !QuickReads::take(out.size())) return not_quick();
  if (status.ok()) return true;
  if (status.IsNotFound()) return false;
  return std::unexpected(to_error(status, "read the store"));
}

Result<void> Index::scan(
    Table table, std::string_view from,
    const std::function<bool(std::string_view key, std::string_view value)>& each) {
  const std::unique_ptr<rocksdb::Iterator> it(
      impl_->db->NewIterator(read_options(), impl_->handle(table)));
  for (it->Seek(from); it->Valid(); it->Next()) {
    if (!QuickReads::take(it->value().size())) return not_quick();
    if (!each(it->key().ToStringView(), it->value().ToStringView())) return {};
  }
  if (it->status().IsIncomplete()) return not_quick();
  if (!it->status().ok()) return std::unexpected(to_error(it->status(), "read the store"));
  return {};
}

struct Index::Writer::Impl {
  std::string path;
  bool merge;
  rocksdb::SstFileWriter writer;
  bool open = false;

  Result<void> said(const rocksdb::Status& status) const {
    if (!status.ok()) return std::unexpected(to_error(status, "write " + path));
    return {};
  }
};

Index::Writer::Writer(const Index& index, Table table, std::string path)
    : impl_(new Impl{std::move(path), table == Table::inbox || table == Table::marks,
                     rocksdb::SstFileWriter(
                         rocksdb::EnvOptions(index.impl_->db_options),
                         rocksdb::Options(index.impl_->db_options,
                                          index.impl_->family[static_cast<std::size_t>(table)]),
                         index.impl_->handle(table))}) {}

Index::Writer::~Writer() = default;

Result<void> Index::Writer::open() {
  if (impl_->open) return {};
  impl_->open = true;
  return impl_->said(impl_->writer.Open(impl_->path));
}

Result<void> Index::Writer::add(std::string_view key, std::string_view value) {
  PARLEY_TRY_VOID(open());
  return impl_->said(impl_->merge ? impl_->writer.Merge(key, value)
                                  : impl_->writer.Put(key, value));
}

Result<void> Index::Writer::remove(std::string_view from, std::string_view to) {
  PARLEY_TRY_VOID(open());
  return impl_->said(impl_->writer.DeleteRange(from, to));
}

Result<bool> Index::Writer::finish() {
  if (!impl_->open) return false;
  PARLEY_TRY_VOID(impl_->said(impl_->writer.Finish()));
  return true;
}

Result<void> Index::ingest(const std::array<std::string, kTables>& paths) {
  std::vector<rocksdb::IngestExternalFileArg> args;
  for (std::size_t i = 0; i < kTables; ++i) {
    if (paths[i].empty()) continue;
    rocksdb::IngestExternalFileArg arg;
    arg.column_family = impl_->handles[i];
    arg.external_files = {paths[i]};
    arg.options.move_files = true;
    arg.options.write_global_seqno = false;
    args.push_back(std::move(arg));
  }
  // RocksDB 7.8 may abort when it is given files again after it had no space for the note of the
  // last ones in its MANIFEST. Files that are moved need no more space than that note.
  std::uint64_t space = 0;
  if (impl_->db_options.env->GetFreeSpace(impl_->folder, &space).ok() && space < kSpaceToIngest)
    return fail(Code::storage_full, "take files into the store: too little space");
  const auto status = impl_->db->IngestExternalFiles(args);
  if (!status.ok()) return std::unexpected(to_error(status, "take files into the store"));
  return {};
}

Result<void> Index::checkpoint(const std::string& into) {
  auto& env = *impl_->db_options.env;
  const auto copy = [&](const rocksdb::LiveFileStorageInfo& file) {
    const auto from = file.directory + "/" + file.relative_filename;
    const auto to = into + "/" + file.relative_filename;
    if (file.file_type == rocksdb::kTableFile) return env.LinkFile(from, to);
    std::string content = file.replacement_contents;
    if (content.empty()) {
      if (auto read = rocksdb::ReadFileToString(&env, from, &content); !read.ok()) return read;
      if (file.trim_to_size) content.resize(std::min(content.size(), file.size));
    }
    return rocksdb::WriteStringToFile(&env, content, to);
  };
  // Nothing is ever in its write buffers, so there is nothing to flush.
  rocksdb::LiveFilesStorageInfoOptions options;
  options.wal_size_for_flush = std::numeric_limits<std::uint64_t>::max();
  std::vector<rocksdb::LiveFileStorageInfo> files;
  auto status = impl_->db->DisableFileDeletions();
  if (status.ok()) status = env.CreateDir(into);
  if (status.ok()) status = impl_->db->GetLiveFilesStorageInfo(options, &files);
  for (auto file = files.begin(); status.ok() && file != files.end(); ++file) status = copy(*file);
  const auto enabled = impl_->db->EnableFileDeletions(false);
  if (status.ok()) status = enabled;
  if (!status.ok()) return std::unexpected(to_error(status, "copy the store to " + into));
  return {};
}

bool Index::resume() {
  std::uint64_t errors = 0;
  impl_->db->GetIntProperty(rocksdb::DB::Properties::kBackgroundErrors, &errors);
  const auto status = impl_->db->Resume();
  const bool quiet = errors == impl_->errors_seen;
  if (!quiet)
    log::error("store", "background work met errors count={} resumed=\"{}\"",
               errors - impl_->errors_seen, one_line(status.ToString()));
  impl_->errors_seen = errors;
  return quiet && status.ok();
}

std::uint64_t Index::runs(Table table) const {
  std::uint64_t runs = 0;
  impl_->db->GetIntProperty(impl_->handle(table),
                            rocksdb::DB::Properties::kNumFilesAtLevelPrefix + "0", &runs);
  return runs;
}

void Index::shrink() { impl_->cache->EraseUnRefEntries(); }

Result<void> Index::verify(std::size_t bytes) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < kTables; ++i) {
    std::uint64_t size = 0;
    impl_->db->GetIntProperty(impl_->handles[i], rocksdb::DB::Properties::kTotalSstFilesSize,
                              &size);
    total += size;
  }
  if (total > bytes) return {};
  const auto status = impl_->db->VerifyChecksum();
  if (!status.ok()) return std::unexpected(to_error(status, "open the store " + impl_->folder));
  return {};
}

}  // namespace parley
