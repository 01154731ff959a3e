#include "adapters/address_places/maxmind/places.h"

#include <arpa/inet.h>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <maxminddb.h>
#include <sys/mman.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include "base/log.h"

namespace parley::address_places {
namespace {

constexpr std::size_t kNodesLookedAt = 100'000;

std::string reason(int error) { return std::generic_category().message(error); }

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  int fd() const { return fd_; }

 private:
  const int fd_;
};

/// Copies all of it; 0, or what errno said.
int copy(const File& from, const File& to) {
  std::vector<char> buffer(std::size_t{1} << 20);
  for (;;) {
    const auto size = ::read(from.fd(), buffer.data(), buffer.size());
    if (size == 0) return 0;
    if (size < 0 && errno != EINTR) return errno;
    for (ssize_t at = 0; at < size;) {
      const auto put = ::write(to.fd(), buffer.data() + at, static_cast<std::size_t>(size - at));
      if (put < 0 && errno != EINTR) return errno;
      at += std::max<ssize_t>(put, 0);
    }
  }
}

std::optional<double> number(MMDB_entry_s entry, const char* name) {
  MMDB_entry_data_s data{};
  const char* const path[] = {"location", name, nullptr};
  if (MMDB_aget_value(&entry, &data, path) != MMDB_SUCCESS || !data.has_data) return std::nullopt;
  if (data.type == MMDB_DATA_TYPE_DOUBLE) return data.double_value;
  if (data.type == MMDB_DATA_TYPE_FLOAT) return data.float_value;
  return std::nullopt;
}

std::optional<Coordinates> location(const MMDB_entry_s& entry) {
  const auto latitude = number(entry, "latitude");
  const auto longitude = number(entry, "longitude");
  if (!latitude || !longitude) return std::nullopt;
  const Coordinates at{*latitude, *longitude};
  return at.valid() ? std::optional(at) : std::nullopt;
}

struct Close {
  void operator()(MMDB_s* of) const {
    MMDB_close(of);
    delete of;
  }
};
using Database = std::unique_ptr<MMDB_s, Close>;

/// Whether some record, of those that are found soon, has a location.
bool has_locations(const MMDB_s& database) {
  std::vector<std::uint64_t> open{0};
  for (std::size_t looked = 0; !open.empty() && looked < kNodesLookedAt; ++looked) {
    MMDB_search_node_s node{};
    const auto at = open.back();
    open.pop_back();
    if (MMDB_read_node(&database, static_cast<std::uint32_t>(at), &node) != MMDB_SUCCESS) continue;
    for (const auto& [record, type, entry] :
         {std::tuple(node.left_record, node.left_record_type, node.left_record_entry),
          std::tuple(node.right_record, node.right_record_type, node.right_record_entry)}) {
      if (type == MMDB_RECORD_TYPE_SEARCH_NODE) open.push_back(record);
      if (type == MMDB_RECORD_TYPE_DATA && location(entry)) return true;
    }
  }
  return false;
}

class Opened final : public MaxmindPlaces {
 public:
  explicit Opened(Database database) : database_(std::move(database)) {}

  std::optional<Coordinates> find(std::string_view address) const override {
    const std::string text(address);
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    if (::inet_pton(AF_INET, text.c_str(), &v4.sin_addr) == 1)
      return find(reinterpret_cast<const sockaddr*>(&v4));
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    if (::inet_pton(AF_INET6, text.c_str(), &v6.sin6_addr) != 1) return std::nullopt;
    if (!IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) return find(reinterpret_cast<const sockaddr*>(&v6));
    std::memcpy(&v4.sin_addr, &v6.sin6_addr.s6_addr[12], sizeof v4.sin_addr);
    return find(reinterpret_cast<const sockaddr*>(&v4));
  }

 private:
  std::optional<Coordinates> find(const sockaddr* address) const {
    int error = MMDB_SUCCESS;
    const auto found = MMDB_lookup_sockaddr(database_.get(), address, &error);
    // An IPv6 address in a file of IPv4 is none that it knows.
    const bool damaged = error != MMDB_SUCCESS && error != MMDB_IPV6_LOOKUP_IN_IPV4_DATABASE_ERROR;
    if (damaged && !told_.exchange(true))  // once: the next request would say it again
      log::warn("places", "event=unreadable reason=\"{}\"", MMDB_strerror(error));
    if (error != MMDB_SUCCESS || !found.found_entry) return std::nullopt;
    return location(found.entry);
  }

  const Database database_;
  mutable std::atomic<bool> told_{false};
};

}  // namespace

Result<std::unique_ptr<MaxmindPlaces>> MaxmindPlaces::open(const std::string& path) {
  const File file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() < 0)
    return fail(Code::not_found,
                fmt::format("the file of places {} cannot be opened: {}", path, reason(errno)));
  // The library reads a file by its mapping, and whoever cut that file short would end the process.
  const File memory(::memfd_create("places", MFD_CLOEXEC));
  const int error = memory.fd() < 0 ? errno : copy(file, memory);
  if (error != 0)
    return fail(Code::not_found,
                fmt::format("the file of places {} cannot be read: {}", path, reason(error)));
  auto made = std::make_unique<MMDB_s>();
  const auto copied = fmt::format("/proc/self/fd/{}", memory.fd());
  if (const int status = MMDB_open(copied.c_str(), MMDB_MODE_MMAP, made.get());
      status != MMDB_SUCCESS)
    return fail(Code::damaged,
                fmt::format("{} is no file of places in MaxMind's format, or a damaged one: {}",
                            path, MMDB_strerror(status)));
  Database database(made.release());
  if (!has_locations(*database))
    return fail(Code::invalid_argument,
                fmt::format("{} says nothing of places: it is a {}, and a file of cities is needed",
                            path, database->metadata.database_type));
  return std::make_unique<Opened>(std::move(database));
}

}  // namespace parley::address_places
