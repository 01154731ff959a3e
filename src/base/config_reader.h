#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace parley {

/// Typed settings from, in falling order: a flag, the environment (`PARLEY_SECTION_KEY`), a TOML
/// file, the default. Each setting is declared once with the variable that it fills. Errors are one
/// sentence, with file and line.
class ConfigReader {
 public:
  using Target = std::variant<std::string*, bool*, std::size_t*, std::chrono::milliseconds*,
                              std::vector<std::string>*, std::map<std::string, std::string>*>;
  /// Looks at a value that was just set; the sentence says what is allowed.
  using Check = std::function<Result<void>()>;

  /// What the variable holds now is the default. In a file, durations are whole milliseconds under
  /// a key that ends in `_ms`; the same in flags and environment. A list is comma-separated outside
  /// of files. A map is a whole section of texts under keys of any name, and has no key of its own;
  /// outside of files it is `key=text,key=text`.
  void add(std::string section, std::string key, Target target, std::string help, Check check = {});

  /// A text that only files and the environment give, and that is never printed: everybody on the
  /// machine can read the flags of a process.
  void add_secret(std::string section, std::string key, std::string* target, std::string help);

  Result<void> read_file(const std::string& path);
  Result<void> read_text(std::string_view toml, const std::string& name);
  /// `lookup` answers the value of an environment variable, or null.
  Result<void> read_environment(const std::function<const char*(const std::string&)>& lookup);
  /// From a flag; `where` is what a person typed, such as `--server-listen`.
  Result<void> set(std::string_view section, std::string_view key, std::string_view value,
                   const std::string& where);

  /// As a TOML file; behind each value, where it came from.
  std::string print() const;

  struct Row {
    std::string section, key, help;
    Target target;
    Check check;
    std::string from = "default";
    bool secret = false;

    /// As after `--`, and in small letters after `PARLEY_` with the other separator.
    std::string name(char separator) const {
      return key.empty() ? section : section + separator + key;
    }
  };
  const std::vector<Row>& rows() const { return rows_; }

 private:
  Row* find(std::string_view section, std::string_view key);
  std::string there_are(std::string_view section) const;
  Result<void> assign(Row& row, std::string_view value, const std::string& where);
  std::vector<Row> rows_;
};

}  // namespace parley
