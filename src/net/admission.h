#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace parley::net {

/// Who may connect: counts connections in all and per address, for all edges of a process. An IPv6
/// address counts by its /64, the least that one subscriber is given. Any thread.
class Admission {
 public:
  using Address = std::array<std::uint8_t, 16>;  // IPv4 as ::ffff:a.b.c.d
  using Ticket = std::uint32_t;

  enum class Verdict { admitted, full, too_many_from_address };
  struct Entry {
    Verdict verdict;
    Ticket ticket;  // given back by leave(), if admitted
  };

  /// `max_per_address` 0: unlimited.
  Admission(std::size_t max_connections, std::size_t max_per_address);

  /// An address that is all zero counts in all only.
  Entry enter(const Address& address);
  void leave(Ticket ticket);

  std::size_t connections() const;
  bool counts_addresses() const { return max_per_address_ != 0; }

 private:
  struct Row {
    Address address;
    std::uint32_t connections;
  };

  const std::size_t max_connections_;
  const std::size_t max_per_address_;
  mutable std::mutex mutex_;
  std::size_t connections_ = 0;
  std::map<Address, Ticket> by_address_;
  std::vector<Row> rows_{Row{}};  // a ticket is an index; 0 counts for no address
  std::vector<Ticket> free_;
};

}  // namespace parley::net
