#include "app/backup.h"

#include <algorithm>
#include <fmt/format.h>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include "adapters/groups/sql/group_store.h"
#include "adapters/push/sql/push_sink.h"
#include "app/control.h"
#include "app/copy_file.h"
#include "app/progress.h"
#include "app/stores.h"
#include "base/log.h"

namespace parley::app {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSums = "SHA256SUMS";  // as sha256sum writes and checks them

std::unexpected<Error> failed(const fs::path& path, const std::error_code& error) {
  return fail(Code::unavailable, fmt::format("{}: {}", path.string(), error.message()));
}

Result<void> make_folder(const fs::path& path) {
  std::error_code error;
  fs::create_directories(path, error);
  if (!error) fs::permissions(path, fs::perms::owner_all, error);
  return error ? failed(path, error) : Result<void>();
}

/// New, or there and empty.
Result<void> must_be_free(const fs::path& path, std::string_view advice) {
  std::error_code error;
  const bool there = fs::exists(path, error);
  if (there && (!fs::is_directory(path, error) || !fs::is_empty(path, error)))
    return fail(Code::already_exists,
                fmt::format("there is something in {}: {}", path.string(), advice));
  return error ? failed(path, error) : Result<void>();
}

/// The stores as of one moment: what each of them had then can be read for as long as this lives.
class Moment {
 public:
  explicit Moment(fs::path folder) : folder_(std::move(folder)) {}
  ~Moment() {
    std::error_code error;
    fs::remove_all(folder_, error);
    if (error) log::warn("backup", "{} stays: {}", folder_.string(), error.message());
  }
  Moment(const Moment&) = delete;

  /// The databases take nothing while the conversations' moment is near, and what they have then is
  /// kept: so whatever the one is due to the other is in both (docs/decisions/0011-...).
  Result<void> take(const Stores& stores) {
    std::error_code error;
    fs::remove_all(folder_, error);  // of one that was killed
    if (error) return failed(folder_, error);
    std::vector<std::unique_lock<std::mutex>> paused;
    Result<void> kept;
    const auto before = [&] {
      for (const auto& [name, db] : stores.sqlite) paused.push_back(db->pause());
    };
    const auto after = [&](bool done) {
      for (const auto& [name, db] : stores.sqlite) {
        if (!done || !kept) break;
        auto snapshot = db->snapshot();
        if (snapshot)
          databases[name + "/" + fs::path(db->path()).filename().string()] = std::move(*snapshot);
        else
          kept = std::unexpected(snapshot.error());
      }
      paused.clear();
    };
    PARLEY_TRY(parts, stores.conversations->snapshot(folder_.string(), {before, after}));
    log = std::move(parts);
    return kept;
  }
  fs::path tables() const { return folder_ / "tables"; }
  fs::path log_folder() const { return folder_ / "log"; }

  std::vector<conversation_log::LogPart> log;                                    // in its folder
  std::map<std::string, std::unique_ptr<sqlite::Database::Snapshot>> databases;  // by file

 private:
  const fs::path folder_;
};

std::uint64_t bytes_of(const Moment& moment, const fs::path& data) {
  std::uint64_t out = 0;
  std::error_code error;
  for (const auto& file : fs::directory_iterator(moment.tables(), error))
    out += file.file_size(error);
  for (const auto& part : moment.log) out += part.bytes;
  for (const auto& [name, snapshot] : moment.databases) out += fs::file_size(data / name, error);
  return out;
}

/// Copies into the backup, and keeps the sums.
class Copies {
 public:
  Copies(fs::path into, std::uint64_t total, Pace pace, const BackupProgress& progress)
      : into_(std::move(into)), total_(total), pace_(pace), progress_(progress) {}

  Result<void> file(const fs::path& from, const std::string& name,
                    std::uint64_t bytes = std::numeric_limits<std::uint64_t>::max()) {
    const auto each = [&](std::uint64_t piece) {
      done_ += piece;
      return rest();
    };
    PARLEY_TRY(sum, copy_file(from, into_ / name, each, bytes));
    sums_ += fmt::format("{}  {}\n", sum, name);
    return {};
  }
  Result<void> database(sqlite::Database::Snapshot& from, const std::string& name) {
    const auto before = done_;
    PARLEY_TRY_VOID(from.copy_to(into_ / name, [&](std::uint64_t bytes) {
      done_ = before + bytes;
      return rest();
    }));
    std::error_code error;
    fs::permissions(into_ / name, fs::perms::owner_read | fs::perms::owner_write, error);
    if (error) return failed(into_ / name, error);
    PARLEY_TRY(sum, sha256_of(into_ / name, [this](std::uint64_t) { return rest(); }));
    sums_ += fmt::format("{}  {}\n", sum, name);
    return {};
  }
  const std::string& sums() const { return sums_; }

  /// At a gentle pace for twenty times as long as the last piece took.
  Result<void> rest() {
    constexpr std::chrono::steady_clock::duration kLongest = std::chrono::seconds(1);
    if (pace_ == Pace::gentle)
      std::this_thread::sleep_for(
          std::min(20 * (std::chrono::steady_clock::now() - piece_), kLongest));
    piece_ = std::chrono::steady_clock::now();
    return progress_("copying", done_, std::max(total_, done_));
  }

 private:
  const fs::path into_;
  const std::uint64_t total_;
  const Pace pace_;
  const BackupProgress& progress_;
  std::uint64_t done_ = 0;
  std::chrono::steady_clock::time_point piece_ = std::chrono::steady_clock::now();
  std::string sums_;
};

Result<void> copy_all(Moment& moment, const fs::path& data, const fs::path& into, Pace pace,
                      const BackupProgress& progress) {
  std::error_code error;
  Copies copies(into, bytes_of(moment, data), pace, progress);
  PARLEY_TRY_VOID(make_folder(into / "message/copied_log"));
  for (const auto& part : moment.log) {
    const auto from = moment.log_folder() / part.name;
    PARLEY_TRY_VOID(copies.file(from, "message/copied_log/" + part.name, part.bytes));
    fs::remove(from, error);  // so that it can be used again
    if (error) return failed(from, error);
  }
  PARLEY_TRY_VOID(make_folder(into / "message/tables"));
  for (const auto& file : fs::directory_iterator(moment.tables(), error))
    PARLEY_TRY_VOID(copies.file(file.path(), "message/tables/" + file.path().filename().string()));
  if (error) return failed(moment.tables(), error);
  for (const auto& [name, snapshot] : moment.databases) {
    PARLEY_TRY_VOID(make_folder((into / name).parent_path()));
    PARLEY_TRY_VOID(copies.database(*snapshot, name));
  }
  // What else lies there: marks, and what was made for people.
  for (const auto& file : fs::directory_iterator(data, error))
    if (file.is_regular_file(error))
      PARLEY_TRY_VOID(copies.file(file.path(), file.path().filename().string()));
  if (error) return failed(data, error);
  PARLEY_TRY_VOID(sync_tree(into, [&copies] { return copies.rest(); }));
  // The last, under its name only when it is whole: with it the backup is one.
  PARLEY_TRY_VOID(write_file(into / "SHA256SUMS.new", copies.sums()));
  fs::rename(into / "SHA256SUMS.new", into / kSums, error);
  if (error) return failed(into / kSums, error);
  return sync_folder(into);
}

}  // namespace

Result<void> backup(const Stores& stores, const fs::path& data, const fs::path& into, Pace pace,
                    const BackupProgress& progress) {
  if (!into.is_absolute())
    return fail(Code::invalid_argument, "the backup's folder has to be an absolute path");
  PARLEY_TRY_VOID(must_be_free(into, "a backup is made in a new folder"));
  const auto inside = fs::weakly_canonical(into).lexically_relative(fs::weakly_canonical(data));
  if (!inside.empty() && *inside.begin() != "..")
    return fail(Code::invalid_argument,
                fmt::format("{} is in the data folder: name one outside", into.string()));
  PARLEY_TRY_VOID(make_folder(into));
  Moment moment(data / "message" / "snapshot");
  PARLEY_TRY_VOID(moment.take(stores));
  return copy_all(moment, data, into, pace, progress);
}

namespace {

/// On the screen.
class Shown {
 public:
  Result<void> operator()(const std::string& what, std::uint64_t done, std::uint64_t total) {
    constexpr std::uint64_t kMib = 1 << 20;
    if (what != what_) {
      end();
      what_ = what;
      shown_ = std::make_unique<Progress>(what + (total > 0 ? ", MiB" : ""), total / kMib);
    }
    if (total > 0) shown_->at(done / kMib);
    return {};
  }
  void end() {
    if (shown_) shown_->end();
    shown_.reset();
  }

 private:
  std::string what_;
  std::unique_ptr<Progress> shown_;
};

/// Of a server that is stopped.
Result<void> backup_stopped(const Config& config, const fs::path& data, const fs::path& into,
                            const BackupProgress& progress) {
  std::error_code error;
  for (const auto* folder : {"message", "accounts"})
    if (!fs::is_directory(data / folder, error))
      return fail(
          Code::invalid_argument,
          fmt::format("{} is no data folder of a server: name it by --data", data.string()));
  Stores stores;
  PARLEY_TRY_VOID(stores.open_embedded(config));
  return backup(stores, data, into, Pace::full, progress);
}

}  // namespace

Result<void> run_backup(const Config& config, const std::string& into) {
  if (!config.mysql.address.empty() || !config.cassandra.addresses.empty())
    return fail(Code::invalid_argument,
                "the configuration names servers that keep the data: back them up as "
                "docs/backup.md says");
  const auto data = fs::absolute(config.server.data), to = fs::absolute(into);
  Shown shown;
  const BackupProgress progress = std::ref(shown);
  PARLEY_TRY(asked, ask_for_backup(data, to, progress));
  if (!asked) PARLEY_TRY_VOID(backup_stopped(config, data, to, progress));
  shown.end();
  fmt::print("the backup is in {}\n", to.string());
  return {};
}

namespace {

/// `sum  name` lines.
Result<std::vector<std::pair<std::string, std::string>>> read_sums(const fs::path& backup) {
  std::ifstream in(backup / kSums);
  if (!in)
    return fail(Code::damaged,
                fmt::format("{} is no backup, or one that was not completed: it has no {}",
                            backup.string(), kSums));
  std::vector<std::pair<std::string, std::string>> out;
  for (std::string line; std::getline(in, line);) {
    const auto name = line.size() > 66 ? line.substr(66) : "";
    const auto path = fs::path(name);
    if (name.empty() || path.is_absolute() || std::ranges::find(path, fs::path("..")) != path.end())
      return fail(Code::damaged, fmt::format("{}/{} cannot be read", backup.string(), kSums));
    out.emplace_back(line.substr(0, 64), name);
  }
  return out;
}

Result<void> restore_into(const fs::path& backup, const fs::path& making) {
  PARLEY_TRY(sums, read_sums(backup));
  std::uint64_t total = 0, done = 0;
  std::error_code error;
  for (const auto& [sum, name] : sums) {
    total += fs::file_size(backup / name, error);
    if (error)
      return fail(Code::damaged,
                  fmt::format("the backup is damaged: {} is missing", (backup / name).string()));
  }
  Shown shown;
  for (const auto& [sum, name] : sums) {
    PARLEY_TRY_VOID(make_folder((making / name).parent_path()));
    PARLEY_TRY(found, copy_file(backup / name, making / name, [&](std::uint64_t bytes) {
                 return shown("copying", done += bytes, total);
               }));
    if (found != sum)
      return fail(Code::damaged, fmt::format("the backup is damaged: {} has another checksum than "
                                             "it was written with",
                                             (backup / name).string()));
  }
  shown.end();
  PARLEY_TRY_VOID(RocksdbConversationStore::restore((making / "message").string()));
  return sync_tree(making);
}

}  // namespace

Result<void> restore(const Config& config, const std::string& from) {
  const auto data = fs::absolute(config.server.data), backup = fs::absolute(from);
  PARLEY_TRY_VOID(must_be_free(
      data,
      "a backup is restored into a new data folder. Stop the server, move that one away, or "
      "name another by --data"));
  fs::path making = data.string() + ".restoring";
  std::error_code error;
  fs::remove_all(making, error);  // of one that was killed
  if (error) return failed(making, error);
  PARLEY_TRY_VOID(make_folder(making));
  auto made = restore_into(backup, making);
  if (made) fs::rename(making, data, error);  // replaces an empty folder
  if (!made || error) {
    std::error_code ignored;
    fs::remove_all(making, ignored);
    return made ? failed(data, error) : made;
  }
  PARLEY_TRY_VOID(sync_folder(data.parent_path()));
  fmt::print("restored into {}\n", data.string());
  return {};
}

}  // namespace parley::app
