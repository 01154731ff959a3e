#include "adapters/blobs/files/store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <random>
#include <unistd.h>

#include "adapters/blobs/files/file.h"

namespace parley::blobs {
namespace {
namespace fs = std::filesystem;
constexpr std::size_t kChunk = 1 << 20;

std::string random_name() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

Result<void> check(const std::string& name, const BlobDeclared& declared) {
  if (!is_blob_name(name))
    return fail(Code::invalid_argument, fmt::format("\"{}\" is not a name of a blob", name));
  const bool hex = declared.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (declared.sha256.size() != 64 || !hex)
    return fail(Code::invalid_argument, "a SHA-256 is 64 hex digits");
  if (declared.content_type.size() > 200 || declared.content_type.contains('\n'))
    return fail(Code::invalid_argument, "a content type is one line of 200 characters at most");
  return {};
}

BlobInfo info_of(const BlobDeclared& declared) {
  return {declared.size, declared.sha256, declared.sha256, declared.content_type};
}

/// A file that is removed unless it got its place.
class Temporary {
 public:
  explicit Temporary(fs::path path) : path_(std::move(path)) {}
  ~Temporary() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  Temporary(const Temporary&) = delete;
  const fs::path& path() const { return path_; }
  Result<void> move_to(const fs::path& place) {
    PARLEY_TRY_VOID(make_folders(place.parent_path()));
    if (::rename(path_.c_str(), place.c_str()) != 0)
      return std::unexpected(file_error(place, "naming", errno));
    path_.clear();
    return sync_folder(place.parent_path());
  }

 private:
  fs::path path_;
};

/// Writes a blob whose bytes `next` gives, until it gives none, and puts it in its place.
Result<BlobInfo> store(const fs::path& temporary, const fs::path& place,
                       const BlobDeclared& declared, const BlobSource& next) {
  Temporary made(temporary / random_name());
  PARLEY_TRY(file, File::open(made.path(), O_CREAT | O_EXCL | O_WRONLY));
  PARLEY_TRY_VOID(file.write(header_of(declared)));
  Sha256 sum;
  std::uint64_t size = 0;
  std::vector<char> buffer(kChunk);
  for (;;) {
    PARLEY_TRY(got, next(buffer));
    if (got == 0) break;
    size += got;
    if (size > declared.size) break;
    sum.add({buffer.data(), got});
    PARLEY_TRY_VOID(file.write({buffer.data(), got}));
  }
  if (size != declared.size || sum.hex() != declared.sha256)
    return fail(Code::damaged, "the bytes are not those that were declared");
  PARLEY_TRY_VOID(file.sync());
  PARLEY_TRY_VOID(made.move_to(place));
  return info_of(declared);
}

Result<BlobDeclared> declared_in(const File& file) {
  std::string header(kHeaderBytes, '\0');
  PARLEY_TRY(got, file.read(header, 0));
  PARLEY_TRY(size, file.size());
  PARLEY_TRY(declared, parse_header(std::string_view(header).substr(0, got)));
  if (size != kHeaderBytes + declared.size)
    return fail(Code::damaged, "a stored blob has not the size that it had");
  return declared;
}

fs::path part_path(const fs::path& folder, unsigned number) {
  return folder / fmt::format("{:05}", number);
}

/// A part's etag, by its bytes.
std::string etag_of(std::string_view bytes) {
  Sha256 sum;
  sum.add(bytes);
  return sum.hex();
}

}  // namespace

Result<std::unique_ptr<FileBlobStore>> FileBlobStore::open(const fs::path& folder) {
  std::error_code error;
  const auto whole = fs::absolute(folder, error);
  if (error) return std::unexpected(file_error(folder, "finding", error.value()));
  std::unique_ptr<FileBlobStore> store(new FileBlobStore(whole));
  fs::remove_all(store->temporary_, error);
  if (error) return std::unexpected(file_error(store->temporary_, "removing", error.value()));
  for (const auto* part : {&store->blobs_, &store->uploads_, &store->temporary_})
    PARLEY_TRY_VOID(make_folders(*part));
  return store;
}

/// Names are folders and files at once ("a" and "a/b"), so the file of a blob has an ending that no
/// folder has.
fs::path FileBlobStore::path_of(const std::string& name) const { return blobs_ / (name + ".@"); }

Result<BlobInfo> FileBlobStore::put(const std::string& name, const BlobDeclared& declared,
                                    const BlobSource& source) {
  PARLEY_TRY_VOID(check(name, declared));
  return store(temporary_, path_of(name), declared, source);
}

Result<BlobInfo> FileBlobStore::get(const std::string& name, std::optional<BlobRange> range,
                                    const BlobSink& sink) {
  if (!is_blob_name(name)) return fail(Code::not_found, "there is no such blob");
  PARLEY_TRY(file, File::open(path_of(name), O_RDONLY));
  PARLEY_TRY(declared, declared_in(file));
  const auto wanted = range.value_or(BlobRange{});
  if (range && (wanted.first >= declared.size || wanted.first > wanted.last))
    return fail(Code::invalid_argument, "the range is not within the blob");
  const auto end =
      std::min(declared.size, wanted.last == ~std::uint64_t{0} ? wanted.last : wanted.last + 1);
  Sha256 sum;
  std::vector<char> buffer(kChunk);
  for (auto at = wanted.first; at < end;) {
    const auto want = std::min<std::uint64_t>(buffer.size(), end - at);
    PARLEY_TRY(got, file.read(std::span(buffer).first(want), kHeaderBytes + at));
    if (got == 0) return fail(Code::damaged, "a stored blob ends too early");
    if (!range) sum.add({buffer.data(), got});
    PARLEY_TRY_VOID(sink({buffer.data(), got}));
    at += got;
  }
  if (!range && sum.hex() != declared.sha256)
    return fail(Code::damaged, fmt::format("the stored blob {} is not what was stored", name));
  return info_of(declared);
}

Result<BlobInfo> FileBlobStore::stat(const std::string& name) {
  if (!is_blob_name(name)) return fail(Code::not_found, "there is no such blob");
  PARLEY_TRY(file, File::open(path_of(name), O_RDONLY));
  PARLEY_TRY(declared, declared_in(file));
  return info_of(declared);
}

Result<void> FileBlobStore::remove(const std::string& name) {
  if (!is_blob_name(name)) return {};
  const auto path = path_of(name);
  if (::unlink(path.c_str()) == 0) return sync_folder(path.parent_path());
  if (errno == ENOENT || errno == ENOTDIR) return {};
  return std::unexpected(file_error(path, "removing", errno));
}

Result<std::string> FileBlobStore::begin_upload(const std::string& name,
                                                const BlobDeclared& declared) {
  PARLEY_TRY_VOID(check(name, declared));
  const auto upload = random_name();
  const auto folder = uploads_ / upload;
  PARLEY_TRY_VOID(make_folders(folder));
  Temporary made(temporary_ / upload);
  PARLEY_TRY(file, File::open(made.path(), O_CREAT | O_EXCL | O_WRONLY));
  PARLEY_TRY_VOID(file.write(header_of(declared) + name));
  PARLEY_TRY_VOID(file.sync());
  PARLEY_TRY_VOID(made.move_to(folder / "about"));
  return upload;
}

Result<fs::path> FileBlobStore::upload_of(const std::string& name,
                                          const std::string& upload) const {
  const auto gone = fail(Code::not_found, "there is no such upload");
  if (upload.size() != 32 || upload.find_first_not_of("0123456789abcdef") != upload.npos)
    return gone;
  const auto about = File::open(uploads_ / upload / "about", O_RDONLY);
  if (!about && about.error().code != Code::not_found) return std::unexpected(about.error());
  if (!about) return gone;
  std::string of(kHeaderBytes + 200, '\0');
  PARLEY_TRY(got, about->read(of, 0));
  of.resize(got);
  if (got < kHeaderBytes || of.substr(kHeaderBytes) != name) return gone;
  return uploads_ / upload;
}

Result<std::string> FileBlobStore::put_part(const std::string& name, const std::string& upload,
                                            unsigned number, std::string_view bytes) {
  if (number < 1 || number > 10'000)
    return fail(Code::invalid_argument, "parts have the numbers 1 to 10,000");
  PARLEY_TRY(folder, upload_of(name, upload));
  Temporary made(temporary_ / random_name());
  PARLEY_TRY(file, File::open(made.path(), O_CREAT | O_EXCL | O_WRONLY));
  PARLEY_TRY_VOID(file.write(bytes));
  PARLEY_TRY_VOID(file.sync());
  PARLEY_TRY_VOID(made.move_to(part_path(folder, number)));
  return etag_of(bytes);
}

Result<BlobInfo> FileBlobStore::complete_upload(const std::string& name, const std::string& upload,
                                                std::span<const BlobPart> parts) {
  PARLEY_TRY(folder, upload_of(name, upload));
  PARLEY_TRY(about, File::open(folder / "about", O_RDONLY));
  std::string header(kHeaderBytes, '\0');
  PARLEY_TRY(read, about.read(header, 0));
  PARLEY_TRY(declared, parse_header(std::string_view(header).substr(0, read)));
  auto part = parts.begin();
  std::uint64_t at = 0;
  std::optional<File> file;
  const BlobSource joined = [&](std::span<char> buffer) -> Result<std::size_t> {
    for (;;) {
      if (!file) {
        if (part == parts.end()) return 0;
        PARLEY_TRY(opened, File::open(part_path(folder, part->number), O_RDONLY));
        file.emplace(std::move(opened));
        at = 0;
      }
      PARLEY_TRY(got, file->read(buffer, at));
      at += got;
      if (got != 0) return got;
      file.reset();
      ++part;
    }
  };
  PARLEY_TRY(info, store(temporary_, path_of(name), declared, joined));
  PARLEY_TRY_VOID(abort_upload(name, upload));
  return info;
}

Result<void> FileBlobStore::abort_upload(const std::string& name, const std::string& upload) {
  const auto folder = upload_of(name, upload);
  if (!folder && folder.error().code != Code::not_found) return std::unexpected(folder.error());
  if (!folder) return {};
  std::error_code error;
  fs::remove_all(*folder, error);
  if (error) return std::unexpected(file_error(*folder, "removing", error.value()));
  return {};
}

Result<std::size_t> FileBlobStore::abort_older(std::chrono::milliseconds age) {
  std::size_t count = 0;
  std::error_code error;
  std::vector<fs::path> old;
  fs::directory_iterator at(uploads_, error);
  for (; !error && at != fs::directory_iterator(); at.increment(error)) {
    std::error_code none;
    auto begun = fs::last_write_time(at->path() / "about", none);
    if (none) begun = fs::last_write_time(at->path(), none);  // a crash left it without
    if (none) continue;                                       // aborted meanwhile
    if (fs::file_time_type::clock::now() - begun > age) old.push_back(at->path());
  }
  if (error) return std::unexpected(file_error(uploads_, "reading", error.value()));
  for (const auto& folder : old) {
    fs::remove_all(folder, error);
    if (error) return std::unexpected(file_error(folder, "removing", error.value()));
    ++count;
  }
  return count;
}

}  // namespace parley::blobs
