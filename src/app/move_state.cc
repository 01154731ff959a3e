#include "app/move_state.h"

#include <charconv>
#include <fmt/format.h>
#include <map>

#include "adapters/shared/sql/execute.h"

namespace parley::app {
namespace {

using Values = std::map<std::string, std::string>;

std::string text(const RowSum& sum) { return fmt::format("{} {}", sum.rows, sum.sum); }

template <class Number>
bool parse(std::string_view text, Number& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}
bool parse(std::string_view text, RowSum& out) {
  const auto space = text.find(' ');
  return space != std::string_view::npos && parse(text.substr(0, space), out.rows) &&
         parse(text.substr(space + 1), out.sum);
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const unsigned char byte : bytes) out += fmt::format("{:02x}", byte);
  return out;
}
std::string unhex(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
    unsigned char byte = 0;
    std::from_chars(text.data() + i, text.data() + i + 2, byte, 16);
    out += static_cast<char>(byte);
  }
  return out;
}

}  // namespace

Result<std::optional<MoveState>> MoveState::read(sql::Database& db) {
  return db.read([](soci::session& s) -> Result<std::optional<MoveState>> {
    int there = 0;
    s << "SELECT COUNT(*) FROM information_schema.tables "
         "WHERE table_schema = DATABASE() AND table_name = 'moving'",
        soci::into(there);
    if (there == 0) return std::nullopt;
    Values values;
    std::string name, value;
    soci::statement select =
        (s.prepare << "SELECT name, value FROM moving", soci::into(name), soci::into(value));
    select.execute();
    while (select.fetch()) values[name] = value;
    MoveState out;
    if (values.empty()) return out;  // killed before the first word
    unsigned part = 0;
    if (!parse(values["epoch"], out.epoch) || !parse(values["begun"], out.begun.value) ||
        !parse(values["part"], part) || !parse(values["log"], out.log) ||
        !parse(values["sent"], out.sent) || !parse(values["marks"], out.marks) ||
        !parse(values["inboxes"], out.inboxes) || part > static_cast<unsigned>(Part::done))
      return fail(Code::damaged,
                  "the table `moving` of the MySQL database cannot be read: empty the target, and "
                  "begin anew");
    out.part = static_cast<Part>(part);
    out.source = values["source"];
    out.after = unhex(values["after"]);
    return out;
  });
}

Result<void> MoveState::write(sql::Database& db) const {
  const Values values = {{"epoch", std::to_string(epoch)},
                         {"source", source},
                         {"begun", std::to_string(begun.value)},
                         {"part", std::to_string(static_cast<unsigned>(part))},
                         {"after", hex(after)},
                         {"log", text(log)},
                         {"sent", text(sent)},
                         {"marks", text(marks)},
                         {"inboxes", text(inboxes)}};
  PARLEY_TRY_VOID(db.read([](soci::session& s) -> Result<void> {
    s << "CREATE TABLE IF NOT EXISTS moving (name VARCHAR(16) NOT NULL PRIMARY KEY, "
         "value VARCHAR(4000) NOT NULL) ENGINE=InnoDB";
    return {};
  }));
  return db.write([&](soci::session& s) -> Result<void> {
    for (const auto& [name, value] : values)
      sql::execute(s, "REPLACE INTO moving (name, value) VALUES (:name, :value)", name, value);
    return {};
  });
}

Result<void> MoveState::end(sql::Database& db) {
  return db.read([](soci::session& s) -> Result<void> {
    s << "DROP TABLE IF EXISTS moving";
    return {};
  });
}

}  // namespace parley::app
