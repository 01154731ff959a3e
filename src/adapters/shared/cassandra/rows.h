#pragma once
#include <cstdint>
#include <memory>
#include <string_view>

#include "adapters/shared/cassandra/driver/parley_cql.h"

namespace parley::cassandra {

/// One value of a row; lives as long as its Rows. Asking for another type than the column has is a
/// broken invariant, as is asking a null.
class Cell {
 public:
  explicit Cell(parley_cql_cell cell) : cell_(cell) {}
  bool is_null() const { return cell_.size < 0; }
  std::int64_t bigint() const { return number<std::int64_t>(); }   // bigint, timestamp
  std::int32_t integer() const { return number<std::int32_t>(); }  // int
  bool boolean() const { return number<std::int8_t>() != 0; }
  std::string_view bytes() const;  // text, blob

 private:
  template <class Number>
  Number number() const;

  parley_cql_cell cell_;
};

/// The rows of one answer, or of one page of it. Move only; keeps the answer's frame.
class Rows {
 public:
  struct Free {
    void operator()(parley_cql_result* result) const { parley_cql_result_free(result); }
  };
  using Owned = std::unique_ptr<parley_cql_result, Free>;

  explicit Rows(Owned result);
  std::size_t size() const { return view_.rows; }
  bool empty() const { return view_.rows == 0; }
  Cell at(std::size_t row, std::size_t column) const;
  /// Of a statement with IF: whether it was done. Such an answer always has a row, and its first
  /// column says so.
  bool applied() const { return at(0, 0).boolean(); }
  /// Where the next page begins, for Options::paging_state; empty after the last one.
  std::string_view paging_state() const {
    return {reinterpret_cast<const char*>(view_.paging_state), view_.paging_state_size};
  }

 private:
  Owned result_;
  parley_cql_view view_;
};

}  // namespace parley::cassandra
