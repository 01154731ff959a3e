#include "report.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace parley::load {
namespace {

constexpr std::array<double, 5> kPercentiles{50, 90, 95, 99, 99.9};

double ms(std::int64_t nanoseconds) { return static_cast<double>(nanoseconds) / 1e6; }

double per_second(std::uint64_t n, const Result& result) {
  return result.seconds > 0 ? static_cast<double>(n) / result.seconds : 0;
}

double cpu_percent(const Result& result) {
  return result.seconds > 0 ? 100 * result.cpu_seconds / result.seconds : 0;
}

std::string latency_row(std::string_view name, const Histogram& histogram) {
  if (histogram.count() == 0) return "";
  std::string row = fmt::format("{:<18}{:>11}", name, histogram.count());
  for (const double percent : kPercentiles)
    row += fmt::format("{:>10.3f}", ms(histogram.percentile(percent)));
  return row + fmt::format("{:>10.3f}\n", ms(histogram.max()));
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\')
      out += fmt::format("\\{}", c);
    else if (static_cast<unsigned char>(c) < 0x20)
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    else
      out += c;
  }
  return out + '"';
}

std::string json_latency(const Histogram& histogram) {
  std::string out = fmt::format("{{\"count\":{}", histogram.count());
  for (const double percent : kPercentiles)
    out += fmt::format(",\"p{}\":{:.4f}", percent, ms(histogram.percentile(percent)));
  return out + fmt::format(",\"max\":{:.4f}}}", ms(histogram.max()));
}

}  // namespace

std::string table(const Options& options, const Result& result) {
  std::string out = fmt::format("{:<18}{:>11}", "milliseconds", "count");
  for (const double percent : kPercentiles)
    out += fmt::format("{:>10}", fmt::format("p{}", percent));
  out += fmt::format("{:>10}\n", "max");
  out += latency_row("acknowledgement", result.acknowledgement);
  out += latency_row("delivery", result.delivery);
  out += latency_row("everywhere", result.everywhere);
  out += latency_row("resume", result.resume);
  out += latency_row("away", result.away);
  out += fmt::format("\nover {:.2f} s, {}:\n", result.seconds,
                     options.rate > 0 ? fmt::format("{} messages a second intended", options.rate)
                                      : fmt::format("{} outstanding", options.outstanding));
  for (std::size_t i = 0; i < kCounterNames.size(); ++i) {
    if (result.counters[i] == 0) continue;
    const bool measured = kCounterNames[i].ends_with("_in_time") || kCounterNames[i] == "resumes";
    out += fmt::format(
        "{:<22}{:>12}{}\n", kCounterNames[i], result.counters[i],
        measured ? fmt::format("{:>14.0f}/s", per_second(result.counters[i], result)) : "");
  }
  for (const auto& [code, n] : result.errors) out += fmt::format("error {:<16}{:>12}\n", code, n);
  for (const Interruption& each : result.interruptions)
    out += fmt::format("the server vanished with {} sends unanswered; {} of them were stored\n",
                       each.unanswered, each.stored);
  out += fmt::format("load's own CPU        {:>11.1f} %\n", cpu_percent(result));
  if (!result.limits.empty()) out += fmt::format("the server's limits: {}\n", result.limits);
  if (options.mode != Mode::traffic) return out;
  if (result.faults.total() == 0)
    return out + fmt::format("proved in {:.1f} s: none lost, none doubled, none out of order{}{}\n",
                             result.prove_seconds, options.one_history ? "" : ", all agree",
                             options.no_views ? "" : ", unread counts exact");
  out += "\nTHE SERVER BROKE ITS PROMISE\n";
  for (std::size_t i = 0; i < kFaultNames.size(); ++i)
    if (const auto n = result.faults.count(static_cast<FaultKind>(i)))
      out += fmt::format("{:<14}{:>10}\n", kFaultNames[i], n);
  for (const Fault& fault : result.faults.kept())
    out += fmt::format("{}: {}\n", kFaultNames[static_cast<std::size_t>(fault.kind)], fault.text);
  return out;
}

std::string json(const Options& options, const Result& result) {
  std::string out = fmt::format(
      "{{\"seconds\":{:.4f},\"cpu_percent\":{:.2f},\"rate\":{},\"outstanding\":{},"
      "\"acknowledged_per_second\":{:.1f},\"delivered_per_second\":{:.1f},"
      "\"confirmed_per_second\":{:.1f},\"resumes_per_second\":{:.1f},\"prove_seconds\":{:.2f}",
      result.seconds, cpu_percent(result), options.rate, options.outstanding,
      per_second(result[Counter::acknowledged_in_time], result),
      per_second(result[Counter::delivered_in_time], result),
      per_second(result[Counter::confirmed_in_time], result),
      per_second(result[Counter::resumes], result), result.prove_seconds);
  out += fmt::format(
      ",\"acknowledgement_ms\":{},\"delivery_ms\":{},\"everywhere_ms\":{},\"resume_ms\":{},"
      "\"away_ms\":{}",
      json_latency(result.acknowledgement), json_latency(result.delivery),
      json_latency(result.everywhere), json_latency(result.resume), json_latency(result.away));
  out += ",\"counts\":{";
  for (std::size_t i = 0; i < kCounterNames.size(); ++i)
    out += fmt::format("{}{}:{}", i > 0 ? "," : "", quoted(kCounterNames[i]), result.counters[i]);
  out += "},\"errors\":{";
  for (bool first = true; const auto& [code, n] : result.errors)
    out += fmt::format("{}{}:{}", std::exchange(first, false) ? "" : ",", quoted(code), n);
  out += "},\"interruptions\":[";
  for (bool first = true; const Interruption& each : result.interruptions)
    out += fmt::format("{}{{\"unix_ms\":{},\"unanswered\":{},\"stored\":{}}}",
                       std::exchange(first, false) ? "" : ",", each.unix_ms, each.unanswered,
                       each.stored);
  out += "],\"faults\":{";
  for (std::size_t i = 0; i < kFaultNames.size(); ++i)
    out += fmt::format("{}{}:{}", i > 0 ? "," : "", quoted(kFaultNames[i]),
                       result.faults.count(static_cast<FaultKind>(i)));
  out += "},\"offending\":[";
  for (bool first = true; const Fault& fault : result.faults.kept())
    out +=
        fmt::format("{}{}", std::exchange(first, false) ? "" : ",",
                    quoted(fmt::format("{}: {}", kFaultNames[static_cast<std::size_t>(fault.kind)],
                                       fault.text)));
  return out + fmt::format("],\"limits\":{},\"proved\":{}}}\n", quoted(result.limits),
                           options.mode == Mode::traffic && result.faults.total() == 0);
}

}  // namespace parley::load
