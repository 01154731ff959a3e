#include "result.h"

#include <algorithm>
#include <fmt/format.h>
#include <sstream>
#include <stdexcept>

namespace parley::load {
namespace {

void pack_histogram(std::string& out, std::string_view name, const Histogram& histogram) {
  const auto packed = histogram.pack();
  out += fmt::format("{} {}", name, packed.size());
  for (const auto value : packed) out += fmt::format(" {}", value);
  out += '\n';
}

Histogram unpack_histogram(std::istream& in) {
  std::size_t size = 0;
  in >> size;
  std::vector<std::uint64_t> packed(size);
  for (auto& value : packed) in >> value;
  return Histogram::unpack(packed);
}

}  // namespace

void Result::merge(const Result& other) {
  for (std::size_t i = 0; i < counters.size(); ++i) counters[i] += other.counters[i];
  acknowledgement.merge(other.acknowledgement);
  delivery.merge(other.delivery);
  everywhere.merge(other.everywhere);
  resume.merge(other.resume);
  away.merge(other.away);
  seconds = std::max(seconds, other.seconds);
  cpu_seconds += other.cpu_seconds;
  prove_seconds = std::max(prove_seconds, other.prove_seconds);
  if (limits.empty()) limits = other.limits;
  for (const auto& [code, n] : other.errors) errors[code] += n;
  interruptions.insert(interruptions.end(), other.interruptions.begin(), other.interruptions.end());
  faults.merge(other.faults);
}

std::string Result::pack() const {
  std::string out = "counters";
  for (const auto value : counters) out += fmt::format(" {}", value);
  out += fmt::format("\nseconds {} {} {}\n", seconds, cpu_seconds, prove_seconds);
  pack_histogram(out, "acknowledgement", acknowledgement);
  pack_histogram(out, "delivery", delivery);
  pack_histogram(out, "everywhere", everywhere);
  pack_histogram(out, "resume", resume);
  pack_histogram(out, "away", away);
  for (const auto& [code, n] : errors) out += fmt::format("error {} {}\n", code, n);
  for (const Interruption& each : interruptions)
    out += fmt::format("interruption {} {} {}\n", each.unix_ms, each.unanswered, each.stored);
  out += "faults";
  for (std::size_t i = 0; i < kFaultNames.size(); ++i)
    out += fmt::format(" {}", faults.count(static_cast<FaultKind>(i)));
  out += '\n';
  for (const Fault& fault : faults.kept())
    out += fmt::format("fault {} {}\n", static_cast<int>(fault.kind), fault.text);
  out += fmt::format("limits {}\nend\n", limits);
  return out;
}

Result Result::unpack(const std::string& text) {
  Result result;
  std::istringstream in(text);
  std::string word;
  while (in >> word && word != "end") {
    if (word == "counters") {
      for (auto& value : result.counters) in >> value;
    } else if (word == "seconds") {
      in >> result.seconds >> result.cpu_seconds >> result.prove_seconds;
    } else if (word == "acknowledgement") {
      result.acknowledgement = unpack_histogram(in);
    } else if (word == "delivery") {
      result.delivery = unpack_histogram(in);
    } else if (word == "everywhere") {
      result.everywhere = unpack_histogram(in);
    } else if (word == "resume") {
      result.resume = unpack_histogram(in);
    } else if (word == "away") {
      result.away = unpack_histogram(in);
    } else if (word == "error") {
      in >> word;
      in >> result.errors[word];
    } else if (word == "interruption") {
      auto& each = result.interruptions.emplace_back();
      in >> each.unix_ms >> each.unanswered >> each.stored;
    } else if (word == "faults") {
      for (std::size_t i = 0; i < kFaultNames.size(); ++i) {
        std::uint64_t n = 0;
        in >> n;
        result.faults.add_count(static_cast<FaultKind>(i), n);
      }
    } else if (word == "fault") {
      int kind = 0;
      in >> kind;
      std::getline(in >> std::ws, word);
      result.faults.keep({static_cast<FaultKind>(kind), word});
    } else if (word == "limits") {
      std::getline(in, result.limits);
      result.limits.erase(0, 1);
    }
  }
  if (word != "end") throw std::runtime_error("a process of the load ended without its result");
  return result;
}

}  // namespace parley::load
