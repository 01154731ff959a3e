#include "base/config_reader.h"

#include <charconv>
#include <fmt/format.h>
#include <toml++/toml.h>

namespace parley {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

Result<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > (1ULL << 53))
    return fail(Code::invalid_argument, "wants a whole number, 0 or more");
  return value;
}

std::vector<std::string> split_list(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto comma = std::min(text.find(','), text.size());
    if (comma > 0) out.emplace_back(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

Result<void> assign_text(const ConfigReader::Target& target, std::string_view text) {
  return std::visit(Overloaded{
                        [&](std::string* to) -> Result<void> {
                          *to = text;
                          return {};
                        },
                        [&](bool* to) -> Result<void> {
                          if (text != "true" && text != "false")
                            return fail(Code::invalid_argument, "wants true or false");
                          *to = text == "true";
                          return {};
                        },
                        [&](std::size_t* to) -> Result<void> {
                          PARLEY_TRY(number, parse_number(text));
                          *to = number;
                          return {};
                        },
                        [&](std::chrono::milliseconds* to) -> Result<void> {
                          PARLEY_TRY(number, parse_number(text));
                          *to = std::chrono::milliseconds(number);
                          return {};
                        },
                        [&](std::vector<std::string>* to) -> Result<void> {
                          *to = split_list(text);
                          return {};
                        },
                        [&](std::map<std::string, std::string>* to) -> Result<void> {
                          to->clear();
                          for (const auto& item : split_list(text)) {
                            const auto equals = item.find('=');
                            if (equals == 0 || equals == item.npos || equals + 1 == item.size())
                              return fail(Code::invalid_argument, "wants key=text,key=text");
                            (*to)[item.substr(0, equals)] = item.substr(equals + 1);
                          }
                          return {};
                        },
                    },
                    target);
}

/// The text of a TOML value, in the form that flags have; empty error if its type is not
/// `target`'s.
Result<std::string> text_of(const toml::node& node, const ConfigReader::Target& target) {
  const auto refuse = [](const char* wants) {
    return fail(Code::invalid_argument, fmt::format("wants {}", wants));
  };
  if (std::holds_alternative<std::string*>(target)) {
    if (auto text = node.value_exact<std::string>()) return *text;
    return refuse("a text in quotes");
  }
  if (std::holds_alternative<bool*>(target)) {
    if (auto flag = node.value_exact<bool>()) return std::string(*flag ? "true" : "false");
    return refuse("true or false");
  }
  if (std::holds_alternative<std::vector<std::string>*>(target)) {
    const auto* list = node.as_array();
    if (!list) return refuse("a list of texts");
    std::string joined;
    for (const auto& item : *list) {
      auto text = item.value_exact<std::string>();
      if (!text || text->empty() || text->find(',') != std::string::npos)
        return refuse("a list of texts without commas");
      joined += (joined.empty() ? "" : ",") + *text;
    }
    return joined;
  }
  if (auto number = node.value_exact<std::int64_t>(); number && *number >= 0)
    return std::to_string(*number);
  return refuse("a whole number, 0 or more");
}

/// The same for the section of a map.
Result<std::string> text_of(const toml::table& keys) {
  std::string joined;
  for (auto&& [key, node] : keys) {
    const auto text = node.value_exact<std::string>();
    if (!text || text->empty() || text->find(',') != text->npos || key.str().contains('=') ||
        key.str().contains(','))
      return fail(Code::invalid_argument, "wants texts in quotes, without commas");
    joined += fmt::format("{}{}={}", joined.empty() ? "" : ",", key.str(), *text);
  }
  return joined;
}

/// As a TOML basic string.
std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out += {'\\', c};
    else if (code < 0x20 || code == 0x7F)
      out += fmt::format("\\u{:04X}", code);
    else
      out += c;
  }
  return out + "\"";
}

std::string value_text(const ConfigReader::Target& target) {
  return std::visit(
      Overloaded{
          [](const std::string* v) { return quote(*v); },
          [](const bool* v) { return std::string(*v ? "true" : "false"); },
          [](const std::size_t* v) { return std::to_string(*v); },
          [](const std::chrono::milliseconds* v) { return std::to_string(v->count()); },
          [](const std::vector<std::string>* v) {
            std::string out = "[";
            for (const auto& item : *v) out += (out.size() > 1 ? ", " : "") + quote(item);
            return out + "]";
          },
          [](const std::map<std::string, std::string>* v) {
            std::string out;
            for (const auto& [key, text] : *v)
              out += fmt::format("{}{} = {}", out.empty() ? "" : "\n", quote(key), quote(text));
            return out;
          },
      },
      target);
}

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

}  // namespace

void ConfigReader::add(std::string section, std::string key, Target target, std::string help,
                       Check check) {
  rows_.push_back({std::move(section), std::move(key), std::move(help), target, std::move(check)});
}

void ConfigReader::add_secret(std::string section, std::string key, std::string* target,
                              std::string help) {
  add(std::move(section), std::move(key), target, std::move(help));
  rows_.back().secret = true;
}

std::string ConfigReader::there_are(std::string_view section) const {
  std::vector<std::string_view> keys, sections;
  for (const auto& row : rows_) {
    if (row.section == section) keys.push_back(row.key);
    if (std::ranges::find(sections, row.section) == sections.end()) sections.push_back(row.section);
  }
  if (keys.empty()) return fmt::format("there are the sections {}", fmt::join(sections, ", "));
  return fmt::format("[{}] has {}", section, fmt::join(keys, ", "));
}

ConfigReader::Row* ConfigReader::find(std::string_view section, std::string_view key) {
  for (auto& row : rows_)
    if (row.section == section && row.key == key) return &row;
  return nullptr;
}

Result<void> ConfigReader::assign(Row& row, std::string_view value, const std::string& where) {
  auto done = assign_text(row.target, value);
  if (done && row.check) done = row.check();
  if (!done)
    return fail(Code::invalid_argument, fmt::format("{}: {} {}, not {}", where, row.name('.'),
                                                    done.error().message, quote(value)));
  row.from = where;
  return {};
}

Result<void> ConfigReader::set(std::string_view section, std::string_view key,
                               std::string_view value, const std::string& where) {
  auto* row = find(section, key);
  if (!row)
    return fail(Code::invalid_argument,
                fmt::format("{}: there is no setting {}.{}", where, section, key));
  return assign(*row, value, where);
}

Result<void> ConfigReader::read_file(const std::string& path) {
  std::string text;
  if (auto* file = std::fopen(path.c_str(), "rb")) {
    char buffer[4096];
    std::size_t n = 0;
    while ((n = std::fread(buffer, 1, sizeof buffer, file)) > 0) text.append(buffer, n);
    const bool failed = std::ferror(file) != 0;
    std::fclose(file);
    if (failed) return fail(Code::invalid_argument, path + ": cannot be read");
  } else {
    return fail(Code::invalid_argument,
                path + ": cannot be opened: give the path of a TOML file to --config");
  }
  return read_text(text, path);
}

Result<void> ConfigReader::read_text(std::string_view toml_text, const std::string& name) {
  toml::table table;
  try {
    table = toml::parse(toml_text, name);
  } catch (const toml::parse_error& error) {
    return fail(
        Code::invalid_argument,
        fmt::format("{}:{}: not TOML: {}", name, error.source().begin.line, error.description()));
  }
  const auto at = [&](const toml::node& node) {
    return fmt::format("{}:{}", name, node.source().begin.line);
  };
  for (auto&& [section, content] : table) {
    const auto* keys = content.as_table();
    if (!keys)
      return fail(Code::invalid_argument,
                  fmt::format("{}: {} stands outside a section: write it under [section]",
                              at(content), std::string_view(section)));
    if (auto* whole = find(section.str(), "")) {
      auto text = text_of(*keys);
      if (!text)
        return fail(Code::invalid_argument,
                    fmt::format("{}: [{}] {}", at(content), whole->section, text.error().message));
      PARLEY_TRY_VOID(assign(*whole, *text, at(content)));
      continue;
    }
    for (auto&& [key, value] : *keys) {
      auto* row = find(section.str(), key.str());
      if (!row)
        return fail(Code::invalid_argument,
                    fmt::format("{}: there is no setting {}.{}: {}; see parleyd --print-config",
                                at(value), section.str(), key.str(), there_are(section.str())));
      auto text = text_of(value, row->target);
      if (!text)
        return fail(Code::invalid_argument, fmt::format("{}: {}.{} {}", at(value), row->section,
                                                        row->key, text.error().message));
      PARLEY_TRY_VOID(assign(*row, *text, at(value)));
    }
  }
  return {};
}

Result<void> ConfigReader::read_environment(
    const std::function<const char*(const std::string&)>& lookup) {
  for (auto& row : rows_) {
    const auto name = upper("PARLEY_" + row.name('_'));
    if (const char* value = lookup(name)) PARLEY_TRY_VOID(assign(row, value, name));
  }
  return {};
}

std::string ConfigReader::print() const {
  std::string out;
  std::string section;
  for (const auto& row : rows_) {
    if (row.section != section) {
      section = row.section;
      out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", section);
    }
    if (row.key.empty()) {
      out += fmt::format("# {}  # {}\n{}{}", row.help, row.from, value_text(row.target),
                         value_text(row.target).empty() ? "" : "\n");
      continue;
    }
    if (row.secret && row.from != "default") {
      out += fmt::format("# {}\n# {} is set and not shown  # {}\n", row.help, row.key, row.from);
      continue;
    }
    out +=
        fmt::format("# {}\n{} = {}  # {}\n", row.help, row.key, value_text(row.target), row.from);
  }
  return out;
}

}  // namespace parley
