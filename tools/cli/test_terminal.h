#pragma once
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "cli/text.h"

namespace parley::cli {

/// For tests: what a terminal (VT100, as far as Screen uses it) shows after the bytes written to
/// it. Characters of one column only.
class TestTerminal {
 public:
  TestTerminal(std::size_t rows, std::size_t columns)
      : rows_(rows), columns_(columns), cells_(rows) {}

  void write(std::string_view bytes) {
    while (!bytes.empty()) {
      if (bytes.starts_with("\033[")) {
        const auto end = bytes.find_first_of("ABCDHJKm", 2);
        control(bytes[end], bytes.substr(2, end - 2));
        bytes.remove_prefix(end + 1);
        continue;
      }
      const auto length = first_code_point(bytes).bytes;
      put(bytes.substr(0, length));
      bytes.remove_prefix(length);
    }
  }

  /// The rows down to the cursor's; blanks at a row's end count.
  std::string text() const {
    std::string all;
    for (std::size_t row = 0; row <= row_; ++row) {
      for (const auto& cell : cells_[row]) all += cell;
      if (row < row_) all += '\n';
    }
    return all;
  }
  std::pair<std::size_t, std::size_t> cursor() const { return {row_, column_}; }

 private:
  void put(std::string_view character) {
    if (character == "\r") {
      column_ = 0;
    } else if (character == "\n") {
      feed();
    } else {
      if (column_ == columns_) {  // wraps when the next one comes, as terminals do
        column_ = 0;
        feed();
      }
      auto& row = cells_[row_];
      row.resize(std::max(row.size(), column_ + 1), " ");
      row[column_++] = character;
    }
  }
  void feed() {
    if (++row_ < rows_) return;
    cells_.erase(cells_.begin());
    cells_.emplace_back();
    --row_;
  }
  void control(char command, std::string_view argument) {
    const auto n = argument.empty() ? std::size_t{1} : std::stoul(std::string(argument));
    if (command == 'A') row_ -= std::min(n, row_);
    if (command == 'C') column_ = std::min(column_ + n, columns_ - 1);
    if (command == 'H') row_ = column_ = 0;
    if (command == 'K') cells_[row_].resize(std::min(cells_[row_].size(), column_));
    if (command == 'J' && argument == "2") cells_.assign(rows_, {});
    if (command == 'J' && argument.empty()) {
      control('K', "");
      for (auto row = row_ + 1; row < rows_; ++row) cells_[row].clear();
    }
  }

  std::size_t rows_, columns_;
  std::vector<std::vector<std::string>> cells_;
  std::size_t row_ = 0, column_ = 0;
};

}  // namespace parley::cli
