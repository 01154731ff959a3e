#include "app/doctor.h"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>
#include <sys/statvfs.h>

#include "base/certificate_files.h"
#include "base/clock.h"
#include "wire/json_writer.h"

namespace parley::app {
namespace {

using Level = Finding::Level;
constexpr std::int64_t kDay = 86'400'000;  // ms
constexpr std::int64_t kExpiresSoon = 14;  // days

const char* name_of(Level level) {
  return level == Level::ok ? "ok" : level == Level::warning ? "warning" : "wrong";
}

void look_at_certificate(const std::string& file, const std::string& setting, Findings& out) {
  if (file.empty()) return;
  const auto what = fmt::format("the certificate {} ({})", file, setting);
  const auto until = expiry_of(file);
  if (!until) {
    out.push_back({Level::wrong, what, until.error().message,
                   "put a certificate in PEM format there, or correct " + setting});
    return;
  }
  const auto days = (until->value - SystemClock().wall().value) / kDay;
  const auto renew = "replace the file: processes take it up by themselves within seconds";
  if (*until < SystemClock().wall())
    out.push_back({Level::wrong, what, "has expired: nobody who checks it connects", renew});
  else if (days < kExpiresSoon)
    out.push_back({Level::warning, what, fmt::format("expires in {} days", days), renew});
  else
    out.push_back({Level::ok, what, fmt::format("is valid for {} days more", days)});
}

void look_at_folder(const Config& config, Findings& out) {
  const auto& data = config.server.data;
  const auto what = "the data folder " + std::filesystem::absolute(data).string();
  struct statvfs disk{};
  if (statvfs(data.c_str(), &disk) != 0) {
    out.push_back({Level::warning, what, "is not on this machine",
                   "run the doctor where the server runs, or correct server.data"});
    return;
  }
  const auto free = 100.0 * static_cast<double>(disk.f_bavail) /
                    static_cast<double>(std::max<fsblkcnt_t>(disk.f_blocks, 1));
  const auto gib =
      static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize) / (1 << 30);
  const auto says = fmt::format("has {:.1f} GiB free, {:.0f} % of its disk", gib, free);
  const auto* more =
      "free space, or move the folder to a larger disk: when it is full no message "
      "is stored";
  if (gib < 0.5)
    out.push_back({Level::wrong, what, says, more});
  else if (free < 10)
    out.push_back({Level::warning, what, says, more});
  else
    out.push_back({Level::ok, what, says});
}

std::string to_json(const Findings& findings, std::ptrdiff_t wrong, std::ptrdiff_t warnings) {
  google::protobuf::Struct out;
  auto& fields = *out.mutable_fields();
  fields["wrong"].set_number_value(static_cast<double>(wrong));
  fields["warnings"].set_number_value(static_cast<double>(warnings));
  auto& list = *fields["checks"].mutable_list_value();
  for (const auto& finding : findings) {
    auto& row = *list.add_values()->mutable_struct_value()->mutable_fields();
    row["level"].set_string_value(name_of(finding.level));
    row["what"].set_string_value(finding.what);
    row["says"].set_string_value(finding.says);
    if (!finding.todo.empty()) row["todo"].set_string_value(finding.todo);
  }
  return wire::to_json(out);
}

std::vector<KnownProcess> configured(const Config& config) {
  std::vector<KnownProcess> out;
  for (const auto& [name, address] : config.admins) out.push_back({name, address});
  const bool one = config.gateways.empty() && config.messages.empty();  // runs everything
  if (out.empty() && one) out.push_back({"parleyd", config.server.admin});
  return out;
}

}  // namespace

void look_at_files(const Config& config, Findings& out) {
  look_at_certificate(config.server.tls_certificate, "server.tls_certificate", out);
  look_at_certificate(config.peer_tls.certificate, "peer_tls.certificate", out);
  look_at_certificate(config.peer_tls.authority, "peer_tls.authority", out);
  if (!config.many_logs()) look_at_folder(config, out);
}

int doctor(const Config& config, bool json) {
  Findings findings;
  auto processes = configured(config);
  look_at_servers(config, findings, processes);
  if (processes.empty())
    findings.push_back({Level::warning, "processes", "nothing says where one answers operators",
                        "name them under [admin] in the file of --config: NAME = \"HOST:PORT\""});
  look_at_processes(processes, findings);
  look_at_ports(config, findings);
  look_at_files(config, findings);
  const auto count = [&](Level level) {
    return std::ranges::count(findings, level, &Finding::level);
  };
  const auto wrong = count(Level::wrong), warnings = count(Level::warning);
  if (json) {
    fmt::print("{}\n", to_json(findings, wrong, warnings));
    return wrong ? 1 : 0;
  }
  for (const auto& finding : findings)
    fmt::print("{:<8} {}: {}{}{}\n", name_of(finding.level), finding.what, finding.says,
               finding.todo.empty() ? "" : ". To do: ", finding.todo);
  fmt::print("{} checks: {} wrong, {} warnings\n", findings.size(), wrong, warnings);
  return wrong ? 1 : 0;
}

}  // namespace parley::app
