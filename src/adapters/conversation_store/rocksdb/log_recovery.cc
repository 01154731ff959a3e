#include "adapters/conversation_store/rocksdb/log_recovery.h"

#include <algorithm>
#include <fmt/format.h>

namespace parley::conversation_log {
namespace {

std::unexpected<Error> damaged(const std::string& path, std::string_view what) {
  return fail(Code::damaged, fmt::format("{} is damaged: {}. Nothing was changed; restore the "
                                         "folder from a backup",
                                         path, what));
}

struct Contents {
  std::unique_ptr<LogFile> file;
  std::string bytes;
};

Result<Contents> read_whole(LogFiles& files, const std::string& path) {
  PARLEY_TRY(file, files.open(path));
  PARLEY_TRY(size, file->size());
  std::string bytes(size, '\0');
  PARLEY_TRY(read, file->read(0, bytes));
  bytes.resize(read);
  return Contents{std::move(file), std::move(bytes)};
}

Result<std::vector<std::uint64_t>> segment_numbers(LogFiles& files, const std::string& folder) {
  PARLEY_TRY(names, files.list(folder));
  std::vector<std::uint64_t> numbers;
  for (const auto& name : names)
    if (const auto number = segment_number(name); number != 0) numbers.push_back(number);
  std::ranges::sort(numbers);
  return numbers;
}

bool in_use(const Result<SegmentHeader>& header, std::uint64_t number) {
  return header && header->number == number;
}

}  // namespace

Result<LogContents> recover_log(LogFiles& files, const std::string& folder, std::uint64_t epoch,
                                std::uint64_t covered,
                                const std::function<Result<void>(const Record&)>& each) {
  PARLEY_TRY(numbers, segment_numbers(files, folder));
  LogContents log;
  std::string last_path = folder;
  for (const auto number : numbers) {
    const auto path = folder + "/" + segment_name(number);
    PARLEY_TRY(contents, read_whole(files, path));
    auto header = decode_segment_header(contents.bytes);
    if (!header && header.error().code != Code::not_found)
      return fail(header.error().code, path + ": " + header.error().message);
    if (!in_use(header, number)) {
      // Not in use; unless a record in it says that it was.
      const SegmentHeader as_next{epoch, number, log.end};
      auto generation = log.generation;
      bool any = false;
      PARLEY_TRY(extent, scan_segment(contents.bytes, as_next, generation,
                                      [&](const Record&) -> Result<void> {
                                        any = true;
                                        return {};
                                      }));
      if (!log.used.empty() && (any || extent.hole))
        return damaged(path, "its header does not pass its check");
      const auto after =
          log.unused.empty() ? (log.used.empty() ? 0 : log.used.back().number) : log.unused.back();
      (after != 0 && number == after + 1 ? log.unused : log.stray).push_back(number);
      continue;
    }
    if (header->epoch != epoch) return damaged(path, "it belongs to another store");
    if (!log.unused.empty())
      return damaged(folder + "/" + segment_name(log.unused.front()),
                     "its header does not pass its check");
    if (log.used.empty() && header->base > covered && !log.stray.empty())
      return damaged(folder + "/" + segment_name(log.stray.back()),
                     "its header does not pass its check");
    if (log.used.empty() && header->base > covered)
      return damaged(path, fmt::format("the log begins at position {}, but the index holds only "
                                       "what was before {}",
                                       header->base, covered));
    if (!log.used.empty() && number != log.used.back().number + 1)
      return damaged(folder + "/" + segment_name(log.used.back().number + 1), "it is missing");
    if (!log.used.empty() && header->base != log.end)
      return damaged(last_path, fmt::format("no valid record at position {}", log.end));

    PARLEY_TRY(extent, scan_segment(contents.bytes, *header, log.generation,
                                    [&](const Record& record) -> Result<void> {
                                      if (record.position < covered) return {};
                                      return each(record);
                                    }));
    if (extent.hole)
      return damaged(path,
                     fmt::format("no valid record at position {}, but one after it", extent.end));
    if (extent.end > covered) PARLEY_TRY_VOID(contents.file->sync());
    log.used.push_back({number, header->base, contents.bytes.size()});
    log.end = extent.end;
    last_path = path;
  }
  if (log.used.empty()) return damaged(folder, "the log's files are missing");
  if (log.end < covered)
    return damaged(last_path, fmt::format("no valid record at position {}, but the index holds "
                                          "what was before {}",
                                          log.end, covered));
  return log;
}

Result<bool> is_virgin_log(LogFiles& files, const std::string& folder) {
  PARLEY_TRY(numbers, segment_numbers(files, folder));
  for (const auto number : numbers) {
    PARLEY_TRY(contents, read_whole(files, folder + "/" + segment_name(number)));
    auto header = decode_segment_header(contents.bytes);
    if (!in_use(header, number)) continue;
    std::size_t records = 0;
    std::uint64_t generation = 0;
    PARLEY_TRY(extent, scan_segment(contents.bytes, *header, generation,
                                    [&](const Record&) -> Result<void> {
                                      ++records;
                                      return {};
                                    }));
    if (number != 1 || header->base != 0 || records > 1 || generation > 1 || extent.hole)
      return false;
  }
  return true;
}

}  // namespace parley::conversation_log
