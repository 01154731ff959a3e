#include "documented_metrics.h"

#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <regex>
#include <sstream>

namespace parley::testing {
namespace {

std::set<std::string> names_in(const std::string& text, const std::regex& name) {
  std::set<std::string> out;
  for (std::sregex_iterator at(text.begin(), text.end(), name), end; at != end; ++at)
    out.insert((*at)[1]);
  return out;
}

std::string family(const std::string& name, const std::string& kind,
                   const std::set<std::string>& labels) {
  return fmt::format("{} {} {}", name, kind, fmt::join(labels, ","));
}

}  // namespace

Families documented_metrics() {
  const char* asked = std::getenv("PARLEY_TEST_SHAPE");
  const std::string shape = asked ? asked : "";
  std::ifstream file(PARLEY_METRICS_MD);
  // | `name` | kind | `label`, `label` | where | what is read from it |
  static const std::regex row(
      R"(\| `((?:parley|process)_\w+)` \| (\w+) \| ([^|]*)\| ([^|]*) \| [^|]+ \|)");
  static const std::regex label("`(\\w+)`");
  Families out;
  std::smatch cells;
  for (std::string line; std::getline(file, line);) {
    if (!std::regex_match(line, cells, row)) continue;
    const auto where = cells[4].str();
    const auto says = [&](const char* word) { return where.find(word) != where.npos; };
    if (says("TLS") || says("traces")) continue;  // the servers of these tests have neither
    if (says("cluster") && shape != "cluster") continue;
    if (says("one log") && shape == "cluster") continue;
    if (says("several") && shape.empty()) continue;
    const bool perhaps = says("data folder") && shape == "cluster";
    (perhaps ? out.perhaps : out.always)
        .insert(family(cells[1], cells[2], names_in(cells[3], label)));
  }
  EXPECT_GT(out.always.size(), 30u) << PARLEY_METRICS_MD << " cannot be read";
  return out;
}

std::set<std::string> families_in(const std::string& text) {
  static const std::regex type("# TYPE (\\w+) (\\w+)"), sample(R"((\w+?)(_bucket)?\{(.*)\} .*)"),
      label("(\\w+)=\"");
  std::map<std::string, std::string> kinds;
  std::map<std::string, std::set<std::string>> labels;
  std::string last;
  std::smatch found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    if (std::regex_match(line, found, type)) {
      last = found[1];
      kinds[last] = found[2];
    } else if (std::regex_match(line, found, sample)) {
      auto names = names_in(found[3], label);
      names.erase("le");
      labels[last].merge(names);
    }
  }
  std::set<std::string> out;
  for (const auto& [name, kind] : kinds) out.insert(family(name, kind, labels[name]));
  return out;
}

}  // namespace parley::testing
