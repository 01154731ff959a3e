#include "adapters/traces/otlp/json.h"

#include <fmt/format.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include "base/check.h"

namespace parley::traces {
namespace {
using google::protobuf::Struct;
using google::protobuf::Value;

// From opentelemetry/proto/trace/v1/trace.proto.
constexpr int kInternal = 1, kServer = 2, kConsumer = 5, kError = 2;

Struct& add(Value& list) {
  return *list.mutable_list_value()->add_values()->mutable_struct_value();
}

Value& at(Struct& in, const char* name) { return (*in.mutable_fields())[name]; }

void attribute(Value& list, const char* key, const std::string& value) {
  auto& row = add(list);
  at(row, "key").set_string_value(key);
  at(*at(row, "value").mutable_struct_value(), "stringValue").set_string_value(value);
}

const char* name_of(Stage stage) {
  switch (stage) {
    case Stage::gateway:
      return "gateway";
    case Stage::owner:
      return "owner";
    case Stage::commit:
      return "commit";
    case Stage::feed:
      return "feed";
    case Stage::fan_out:
      return "fan_out";
    case Stage::delivery:
      return "delivery";
  }
  return "unknown";
}

int kind_of(Stage stage) {
  return stage == Stage::gateway ? kServer : stage == Stage::feed ? kConsumer : kInternal;
}

std::string nanos(Span::Time time) {
  return std::to_string(
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count());
}

void write(const Span& span, Struct& out) {
  at(out, "traceId").set_string_value(text_of(span.trace));
  at(out, "spanId")
      .set_string_value(fmt::format("{:016x}", span_id(span.trace, span.stage, span.instance)));
  if (span.parent != span.stage)
    at(out, "parentSpanId")
        .set_string_value(fmt::format("{:016x}", span_id(span.trace, span.parent, 0)));
  at(out, "name").set_string_value(name_of(span.stage));
  at(out, "kind").set_number_value(kind_of(span.stage));
  at(out, "startTimeUnixNano").set_string_value(nanos(span.begin));
  at(out, "endTimeUnixNano").set_string_value(nanos(std::max(span.begin, span.end)));
  auto& attributes = at(out, "attributes");
  attribute(attributes, "parley.conversation", span.conversation.text());
  if (span.seq) attribute(attributes, "parley.seq", std::to_string(span.seq.value));
  if (span.failed.empty()) return;
  auto& status = *at(out, "status").mutable_struct_value();
  at(status, "code").set_number_value(kError);
  at(status, "message").set_string_value(std::string(span.failed));
}

}  // namespace

std::string to_json(const Resource& of, std::span<const Span> spans) {
  Struct request;
  auto& resource_spans = add(at(request, "resourceSpans"));
  auto& attributes = at(*at(resource_spans, "resource").mutable_struct_value(), "attributes");
  attribute(attributes, "service.name", of.service);
  attribute(attributes, "service.instance.id", of.instance);
  attribute(attributes, "service.version", of.version);
  auto& scope_spans = add(at(resource_spans, "scopeSpans"));
  at(*at(scope_spans, "scope").mutable_struct_value(), "name").set_string_value("parley");
  auto& list = at(scope_spans, "spans");
  list.mutable_list_value();
  for (const auto& span : spans) write(span, add(list));
  std::string out;
  const auto done = google::protobuf::util::MessageToJsonString(request, &out);
  PARLEY_CHECK(done.ok(), done.ToString());
  return out;
}

}  // namespace parley::traces
