#include "adapters/conversation_store/rocksdb/log.h"

#include <algorithm>
#include <optional>

#include "base/check.h"

namespace parley::conversation_log {
namespace {

// Enough for what a flush sets free at once: making a file disturbs the syncs beside it.
constexpr std::size_t kSpares = 4;

}  // namespace

Log::Log(Settings settings, const LogContents& recovered, std::uint64_t generation)
    : settings_(std::move(settings)),
      generation_(generation),
      end_(recovered.end),
      used_(recovered.used.begin(), recovered.used.end()) {}

Result<std::unique_ptr<Log>> Log::start(Settings settings, const LogContents& recovered,
                                        std::uint64_t generation) {
  std::unique_ptr<Log> log(new Log(std::move(settings), recovered, generation));
  PARLEY_TRY_VOID(log->adopt(recovered));
  std::string opening(kRecordHeaderBytes, '\0');
  PARLEY_TRY_VOID(log->append(opening));
  return log;
}

std::string Log::path(std::uint64_t number) const {
  return settings_.folder + "/" + segment_name(number);
}

// Files that a former process prepared become ours, where they are whole.
Result<void> Log::adopt(const LogContents& recovered) {
  auto& files = *settings_.files;
  bool fit = true;
  if (!used_.empty()) last_number_ = used_.back().number;
  std::vector<std::uint64_t> remove(recovered.stray);
  for (const auto number : recovered.unused) {
    PARLEY_TRY(file, files.open(path(number)));
    PARLEY_TRY(size, file->size());
    fit = fit && size == settings_.segment_bytes && spares_.size() < kSpares;
    if (fit) {
      spares_.push_back({number, size, std::move(file)});
      last_number_ = number;
    } else {
      remove.push_back(number);
    }
  }
  for (const auto number : remove) PARLEY_TRY_VOID(files.remove(path(number)));
  // Always: a process that was killed may have left names that are not synced.
  return files.sync_directory(settings_.folder);
}

Result<std::uint64_t> Log::append(std::string& record) {
  const auto size = record_bytes(record.size() - kRecordHeaderBytes);
  seal_record(record, settings_.epoch, end_, generation_);
  std::optional<LogContents::Used> begun;
  if (current_ && offset_ + size <= current_size_) {
    PARLEY_TRY_VOID(current_->write(offset_, record));
  } else {
    PARLEY_TRY(spare, take_spare(size));
    // Header and first record in one write: a file counts as used only when it holds a record.
    auto written =
        spare.file->write(0, encode(SegmentHeader{settings_.epoch, spare.number, end_}) + record);
    if (!written) {
      current_.reset();  // the header may be there: the next record must follow it
      const std::lock_guard lock(mutex_);
      spares_.push_front(std::move(spare));
      return std::unexpected(std::move(written).error());
    }
    current_ = std::move(spare.file);
    current_size_ = spare.size;
    offset_ = kSegmentHeaderBytes;
    begun = LogContents::Used{spare.number, end_, spare.size};
  }
  const auto synced = current_->sync();
  PARLEY_CHECK(synced, synced ? "" : synced.error().message);
  offset_ += size;
  end_ += size;
  if (begun) {  // only now: the file before it may be released from here on
    const std::lock_guard lock(mutex_);
    used_.push_back(*begun);
  }
  return end_;
}

Result<Log::Spare> Log::take_spare(std::size_t record) {
  const auto needed = kSegmentHeaderBytes + record;
  const auto next = [&]() -> std::optional<Spare> {
    const std::lock_guard lock(mutex_);
    if (spares_.empty()) return std::nullopt;
    Spare spare = std::move(spares_.front());
    spares_.pop_front();
    return spare;
  };
  // Whoever makes or releases files is waited for only where there is none.
  if (needed <= settings_.segment_bytes)
    if (auto spare = next()) return std::move(*spare);
  const std::lock_guard maintaining(maintenance_);
  if (needed > settings_.segment_bytes) {
    // A group larger than a file gets one of its own, before those that are ready.
    std::deque<Spare> ready;
    {
      const std::lock_guard lock(mutex_);
      ready.swap(spares_);
    }
    for (; !ready.empty(); ready.pop_back()) {
      last_number_ = ready.back().number - 1;
      PARLEY_TRY_VOID(settings_.files->remove(path(ready.back().number)));
    }
    PARLEY_TRY_VOID(make_spare(needed));
  } else if (wants_spare()) {
    PARLEY_TRY_VOID(make_spare(settings_.segment_bytes));
  }
  return *next();
}

Result<void> Log::make_spare(std::uint64_t size) {
  const auto number = last_number_ + 1;
  PARLEY_TRY(file, settings_.files->create(path(number), size));
  if (auto synced = settings_.files->sync_directory(settings_.folder); !synced) {
    static_cast<void>(settings_.files->remove(path(number)));
    return synced;
  }
  last_number_ = number;
  const std::lock_guard lock(mutex_);
  spares_.push_back({number, size, std::move(file)});
  return {};
}

Result<void> Log::prepare() {
  const std::lock_guard maintaining(maintenance_);
  {
    const std::lock_guard lock(mutex_);
    if (!spares_.empty()) return {};
  }
  return make_spare(settings_.segment_bytes);
}

Result<void> Log::release(std::uint64_t covered) {
  const std::lock_guard maintaining(maintenance_);
  auto& files = *settings_.files;
  for (;;) {
    LogContents::Used oldest;
    std::uint64_t number = 0;
    {
      const std::lock_guard lock(mutex_);
      if (used_.size() < 2 || used_[1].base > covered) return {};
      oldest = used_.front();
      if (oldest.size == settings_.segment_bytes && spares_.size() < kSpares)
        number = last_number_ + 1;
    }
    // Each step is synced before the next, so that no power cut leaves a gap in the numbers.
    std::unique_ptr<LogFile> file;
    if (number != 0) {
      PARLEY_TRY(opened, files.open(path(oldest.number)));
      PARLEY_TRY(linked, opened->linked());
      if (!linked) file = std::move(opened);
    }
    if (file)
      PARLEY_TRY_VOID(files.rename(path(oldest.number), path(number)));
    else
      PARLEY_TRY_VOID(files.remove(path(oldest.number)));
    const auto synced = files.sync_directory(settings_.folder);
    PARLEY_CHECK(synced, synced ? "" : synced.error().message);
    const std::lock_guard lock(mutex_);
    used_.pop_front();
    if (!file) continue;
    last_number_ = number;
    spares_.push_back({number, oldest.size, std::move(file)});
  }
}

std::vector<LogPart> Log::parts() const {
  const std::lock_guard lock(mutex_);
  std::vector<LogPart> out;
  for (std::size_t i = 0; i < used_.size(); ++i) {
    const bool last = i + 1 == used_.size();
    out.push_back({segment_name(used_[i].number),
                   last ? offset_ : kSegmentHeaderBytes + used_[i + 1].base - used_[i].base});
  }
  return out;
}

bool Log::wants_spare() const {
  const std::lock_guard lock(mutex_);
  return spares_.empty();
}

std::size_t Log::segments() const {
  const std::lock_guard lock(mutex_);
  return used_.size();
}

}  // namespace parley::conversation_log
