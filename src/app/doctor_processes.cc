// What each process says of itself: /readyz and /metrics of its admin address.
#include <algorithm>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cstdlib>
#include <fmt/format.h>
#include <map>
#include <optional>

#include "app/doctor.h"
#include "app/targets.h"
#include "base/host_port.h"

namespace parley::app {
namespace {
namespace beast = boost::beast;
namespace http = beast::http;
using Level = Finding::Level;

constexpr std::chrono::seconds kPatience{5};
constexpr double kSpareFiles = 200;  // beside those of clients: stores, other processes

struct Answer {
  unsigned status = 0;
  std::string body;
};

/// GET. `unavailable`, with the system's words.
Result<Answer> get(const std::string& address, const std::string& target) {
  PARLEY_TRY(at, parse_address(address));
  boost::asio::io_context io;
  beast::tcp_stream stream(io);
  http::response<http::string_body> answer;
  beast::flat_buffer buffer;
  boost::system::error_code failed = boost::asio::error::timed_out;
  http::request<http::empty_body> request(http::verb::get, target, 11);
  request.set(http::field::host, address);
  stream.expires_after(kPatience);
  stream.async_connect(
      boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address(at.host), at.port),
      [&](auto error) {
        if ((failed = error)) return;
        http::async_write(stream, request, [&](auto error_of_write, std::size_t) {
          if ((failed = error_of_write)) return;
          http::async_read(stream, buffer, answer,
                           [&](auto error_of_read, std::size_t) { failed = error_of_read; });
        });
      });
  io.run();
  if (failed) return fail(Code::unavailable, failed.message());
  return Answer{answer.result_int(), std::move(answer.body())};
}

/// The samples of a text in Prometheus' format: by name with labels, as they are written.
class Samples {
 public:
  explicit Samples(std::string_view text) {
    while (!text.empty()) {
      const auto line = text.substr(0, text.find('\n'));
      text.remove_prefix(std::min(line.size() + 1, text.size()));
      const auto space = line.rfind(' ');
      if (line.starts_with('#') || space == line.npos) continue;
      samples_[std::string(line.substr(0, space))] =
          std::atof(std::string(line.substr(space)).c_str());
    }
  }
  std::optional<double> of(const std::string& name) const {
    const auto at = samples_.find(name);
    return at == samples_.end() ? std::nullopt : std::optional(at->second);
  }
  /// The label of the first sample of that name.
  std::string label(const std::string& name, const std::string& label) const {
    const auto at = samples_.lower_bound(name + "{");
    if (at == samples_.end() || !at->first.starts_with(name + "{")) return {};
    const auto begin = at->first.find(label + "=\"");
    if (begin == std::string::npos) return {};
    const auto from = begin + label.size() + 2;
    return at->first.substr(from, at->first.find('"', from) - from);
  }

 private:
  std::map<std::string, double> samples_;
};

void look_at_samples(const KnownProcess& process, const Samples& samples, Findings& out) {
  const auto what = fmt::format("{} at {}", process.name, process.admin);
  if (samples.of("parley_storage_full").value_or(0) != 0)
    out.push_back({Level::wrong, what, "the disk is full: no message is stored",
                   "free space where its data folder is; it goes on by itself"});
  const auto free = samples.of("parley_data_free_bytes"),
             size = samples.of("parley_data_size_bytes");
  if (free && size && *free < 0.1 * *size)
    out.push_back({Level::warning, what,
                   fmt::format("{:.1f} GiB are free on the disk of its data folder, {:.0f} %",
                               *free / (1 << 30), 100 * *free / *size),
                   "free space, or move the folder to a larger disk"});
  const auto left = samples.of("parley_lease_left_seconds");
  if (left && *left <= 0)
    out.push_back({Level::wrong, what, "its lease has lapsed: it acknowledges nothing",
                   "see whether ZooKeeper answers, and whether this process gets the processor"});
  const auto files = samples.of("process_max_fds"), clients = samples.of("parley_edge_connections");
  if (files && clients && *clients + kSpareFiles > 0.9 * *files)
    out.push_back(
        {Level::wrong, what,
         fmt::format("{} clients are connected, and it may open {} files", *clients, *files),
         "raise LimitNOFILE of its unit (or `ulimit -n`), and restart it"});
  else if (files && *files < 4096)
    out.push_back({Level::warning, what, fmt::format("it may open no more than {} files", *files),
                   "raise LimitNOFILE of its unit (or `ulimit -n`): each client is one"});
}

Result<void> connects(const std::string& address) {
  PARLEY_TRY(at, parse_address(address));
  boost::asio::io_context io;
  beast::tcp_stream stream(io);
  boost::system::error_code failed = boost::asio::error::timed_out;
  stream.expires_after(kPatience);
  stream.async_connect(
      boost::asio::ip::tcp::endpoint(boost::asio::ip::make_address(at.host), at.port),
      [&](auto error) { failed = error; });
  io.run();
  if (failed) return fail(Code::unavailable, failed.message());
  return {};
}

}  // namespace

void look_at_ports(const Config& config, Findings& out) {
  std::map<std::string, std::string> names;  // by address
  const auto add = [&](const std::string& name, const std::string& address) {
    if (!address.empty()) names[address] += (names[address].empty() ? "" : ", ") + name;
  };
  const auto& services = config.services;
  for (const auto& [name, address] :
       {std::pair("session", services.session), std::pair("presence", services.presence),
        std::pair("notification", services.notification), std::pair("message", services.message),
        std::pair("group", services.group)})
    add(name, address);
  for (const auto& address : replicas_of(config, "auth").addresses) add("auth", address);
  if (!services.user.empty())
    for (const auto& address : replicas_of(config, "user").addresses) add("user", address);
  for (const auto& [id, address] : config.messages) add("message " + id, address);
  for (const auto& [id, address] : config.gateways) add("gateway " + id, address);
  for (const auto& [address, name] : names) {
    const auto what = fmt::format("the port of {} ({})", name, address);
    if (const auto connected = connects(address); connected)
      out.push_back({Level::ok, what, "takes connections"});
    else
      out.push_back({Level::wrong, what, connected.error().message,
                     "start that process, or correct its address in all processes' files"});
  }
}

void look_at_processes(const std::vector<KnownProcess>& processes, Findings& out) {
  std::map<std::string, std::string> versions;  // and one process that has it
  for (const auto& process : processes) {
    const auto what = fmt::format("{} at {}", process.name, process.admin);
    const auto ready = get(process.admin, "/readyz");
    if (!ready) {
      out.push_back({Level::wrong, what, "does not answer: " + ready.error().message,
                     "start it, or look into its log; if it runs elsewhere, correct its address"});
      continue;
    }
    const auto metrics = get(process.admin, "/metrics");
    const Samples samples(metrics ? metrics->body : "");
    const auto version = samples.label("parley_build_info", "version");
    if (!version.empty()) versions.try_emplace(version, process.name);
    auto missing = ready->body.substr(std::min(ready->body.find('\n') + 1, ready->body.size()));
    while (missing.ends_with('\n')) missing.pop_back();
    for (std::size_t at = 0; (at = missing.find('\n', at)) != missing.npos;)
      missing.replace(at, 1, "; ");
    if (ready->status != 200)
      out.push_back({Level::wrong, what,
                     missing.empty() ? "is not ready yet" : "is not ready: " + missing,
                     "bring back what it misses; it goes on by itself"});
    else if (!missing.empty())
      out.push_back({Level::warning, what, "is ready, but " + missing,
                     "bring that back; it goes on by itself"});
    else
      out.push_back({Level::ok, what,
                     version.empty() ? "is ready" : fmt::format("is ready, version {}", version)});
    look_at_samples(process, samples, out);
  }
  if (versions.size() > 1) {
    std::string all;
    for (const auto& [version, name] : versions)
      all += fmt::format("{}{} ({})", all.empty() ? "" : ", ", version, name);
    out.push_back(
        {Level::warning, "versions", "several run side by side: " + all, "finish the upgrade"});
  }
}

}  // namespace parley::app
