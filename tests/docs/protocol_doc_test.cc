// docs/protocol.md against the contract: its examples parse, its tables say what the code says.
#include <fmt/format.h>
#include <fstream>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <parley/v1/frames.pb.h>
#include <parley/v1/rest.pb.h>
#include <regex>
#include <set>
#include <sstream>

#include "base/codes.h"
#include "domain/limits.h"

namespace parley {
namespace {

std::string document() {
  std::ifstream in(PARLEY_PROTOCOL_MD);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

struct Example {
  std::string kind, json;
};
std::vector<Example> examples() {
  std::vector<Example> found;
  std::istringstream lines(document());
  std::optional<Example> open;
  for (std::string line; std::getline(lines, line);) {
    if (open && line.starts_with("```")) {
      found.push_back(*std::exchange(open, std::nullopt));
    } else if (open) {
      open->json += line + "\n";
    } else if (line.starts_with("```json ")) {
      open = Example{line.substr(8), {}};
    }
  }
  return found;
}

std::unique_ptr<google::protobuf::Message> message_for(const std::string& kind) {
  if (kind == "client") return std::make_unique<v1::ClientFrame>();
  if (kind == "server") return std::make_unique<v1::ServerFrame>();
  const auto* rest = v1::ErrorAnswer::descriptor();  // links rest.proto in
  const auto* type = rest->file()->pool()->FindMessageTypeByName("parley.v1." + kind);
  if (!type) return nullptr;
  const auto* prototype = google::protobuf::MessageFactory::generated_factory()->GetPrototype(type);
  return std::unique_ptr<google::protobuf::Message>(prototype->New());
}

/// The rows of the table that follows `<!-- name -->`, as cells without their spaces.
std::vector<std::vector<std::string>> table(const std::string& name) {
  const auto text = document();
  const auto at = text.find("<!-- " + name + " -->\n");
  EXPECT_NE(at, std::string::npos);
  std::istringstream lines(text.substr(text.find('\n', at) + 1));
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(lines, line) && line.starts_with("|");) {
    std::vector<std::string> cells;
    std::istringstream rest(line.substr(1));
    for (std::string cell; std::getline(rest, cell, '|');) {
      const auto begin = cell.find_first_not_of(' ');
      const auto end = cell.find_last_not_of(' ');
      cells.push_back(begin == std::string::npos ? "" : cell.substr(begin, end - begin + 1));
    }
    rows.push_back(cells);
  }
  rows.erase(rows.begin(), rows.begin() + 2);  // the head and its rule
  return rows;
}

void expect_codes(const std::string& name, std::span<const CodeRow> codes) {
  const auto rows = table(name);
  ASSERT_EQ(rows.size(), codes.size());
  for (std::size_t i = 0; i < rows.size(); ++i)
    EXPECT_EQ(rows[i], (std::vector<std::string>{
                           std::to_string(codes[i].number), fmt::format("`{}`", codes[i].name),
                           codes[i].retryable ? "yes" : "no", std::string(codes[i].meaning)}));
}

TEST(ProtocolDocument, EveryExampleIsAMessageOfTheContract) {
  const auto all = examples();
  ASSERT_GT(all.size(), 40u);
  for (const auto& [kind, json] : all) {
    auto message = message_for(kind);
    ASSERT_TRUE(message) << kind << " is no message";
    const auto status = google::protobuf::util::JsonStringToMessage(json, message.get());
    EXPECT_TRUE(status.ok()) << kind << "\n" << json << status.ToString();
    std::string names;
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    ASSERT_TRUE(google::protobuf::util::MessageToJsonString(*message, &names, options).ok());
    for (const std::regex field("\"([a-z_]+)\":");
         const auto& match : std::ranges::subrange(
             std::sregex_iterator(names.begin(), names.end(), field), std::sregex_iterator()))
      EXPECT_NE(json.find(match.str()), std::string::npos) << "written otherwise: " << match.str();
  }
}

TEST(ProtocolDocument, EveryFrameHasAnExample) {
  std::set<std::string> shown;
  for (const auto& [kind, json] : examples()) {
    auto message = message_for(kind);
    if (!message || (kind != "client" && kind != "server")) continue;
    ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(json, message.get()).ok());
    const auto* oneof = message->GetDescriptor()->oneof_decl(0);
    const auto* field = message->GetReflection()->GetOneofFieldDescriptor(*message, oneof);
    ASSERT_TRUE(field) << json;
    shown.insert(kind + " " + field->name());
  }
  for (const auto* type : {v1::ClientFrame::descriptor(), v1::ServerFrame::descriptor()}) {
    const std::string kind = type == v1::ClientFrame::descriptor() ? "client" : "server";
    for (int i = 0; i < type->oneof_decl(0)->field_count(); ++i)
      EXPECT_TRUE(shown.contains(kind + " " + type->oneof_decl(0)->field(i)->name()))
          << kind << " " << type->oneof_decl(0)->field(i)->name();
  }
}

TEST(ProtocolDocument, ItsCodesAreThoseOfTheTable) {
  expect_codes("errors", kErrorRows);
  expect_codes("closes", kCloseRows);
}

TEST(ProtocolDocument, ItsLimitsAreThoseOfTheServer) {
  const Limits limits;
  const std::map<std::string, std::size_t> real = {
      {"frame_bytes", limits.frame_bytes},
      {"text_bytes", limits.text_bytes},
      {"batch_frames", limits.batch_frames},
      {"unanswered_requests", limits.unanswered_requests},
      {"history_page", limits.history_page},
      {"history_page_default", limits.history_page_default},
      {"sends_per_second", limits.sends_per_second},
      {"requests_per_second", limits.requests_per_second},
      {"ack_marks", limits.ack_marks},
      {"client_message_id_bytes", limits.client_message_id_bytes},
      {"connections_per_device", limits.connections_per_device},
      {"display_name_bytes", limits.display_name_bytes},
      {"about_bytes", limits.about_bytes},
      {"password_bytes_min", limits.password_bytes_min},
      {"password_bytes_max", limits.password_bytes_max},
      {"devices_per_user", limits.devices_per_user},
      {"backlog_per_conversation", limits.backlog_per_conversation},
      {"backlog_entries", limits.backlog_entries},
      {"conversations_page", limits.conversations_page},
      {"groups_page", limits.groups_page},
      {"group_members_page", limits.group_members_page},
      {"watched_users", limits.watched_users},
      {"presence_users", limits.presence_users},
  };
  std::map<std::string, std::size_t> said;
  for (const auto& row : table("limits")) {
    const auto end = row[0].find('`', 1);
    said[row[0].substr(1, end - 1)] = std::stoul(row[1]);
  }
  EXPECT_EQ(said, real);
}

}  // namespace
}  // namespace parley
