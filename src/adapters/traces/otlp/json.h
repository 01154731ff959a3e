#pragma once
#include <span>
#include <string>

#include "ports/traces.h"

namespace parley::traces {

/// Whose spans they are.
struct Resource {
  std::string service, instance, version;
};

/// An ExportTraceServiceRequest in OTLP's JSON mapping: ids are hexadecimal, times nanoseconds as
/// text.
std::string to_json(const Resource& of, std::span<const Span> spans);

}  // namespace parley::traces
