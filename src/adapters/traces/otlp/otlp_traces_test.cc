#include "adapters/traces/otlp/otlp_traces.h"

#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

namespace parley::traces {
namespace {
using namespace std::chrono_literals;

Span span_of(Stage stage, Stage parent) {
  return {.trace = trace_of(UserId(7), "019ca8a1-3c2d-7e8f-8a1b-0c2d4e6f8a9b"),
          .stage = stage,
          .parent = parent,
          .begin = Span::Time(1'750'000'000'000ms),
          .end = Span::Time(1'750'000'000'005ms),
          .conversation = ConversationId::group(42),
          .seq = Seq(3)};
}

TEST(TraceId, IsTheUuidOfTheMessageOrAHashOfSenderAndKey) {
  EXPECT_EQ(text_of(trace_of(UserId(7), "019ca8a1-3c2d-7e8f-8a1b-0c2d4e6f8a9b")),
            "019ca8a13c2d7e8f8a1b0c2d4e6f8a9b");
  const auto hashed = trace_of(UserId(7), "1");
  EXPECT_EQ(hashed, trace_of(UserId(7), "1"));
  EXPECT_NE(hashed, trace_of(UserId(8), "1"));
  EXPECT_NE(hashed, trace_of(UserId(7), "2"));
  for (const auto* no_uuid : {"00000000-0000-0000-0000-000000000000",
                              "019ca8a1-3c2d-7e8f-8a1b-0c2d4e6f8a9g", "019ca8a13c2d7e8f"})
    EXPECT_NE(trace_of(UserId(7), no_uuid), TraceId()) << no_uuid;
}

TEST(Traces, ChooseSoManyOfAMillion) {
  struct Kept final : Traces {
    using Traces::Traces;
    void take(Span) override {}
  };
  const Kept none(0), some(100'000), all(1'000'000);
  int chosen = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto trace = trace_of(UserId(1), std::to_string(i));
    EXPECT_FALSE(none.wants(trace));
    EXPECT_TRUE(all.wants(trace));
    chosen += some.wants(trace);
  }
  EXPECT_NEAR(chosen, 2'000, 300);
}

TEST(OtlpJson, IsAsTheSpecificationWritesIt) {
  const Span spans[] = {span_of(Stage::gateway, Stage::gateway),
                        span_of(Stage::owner, Stage::gateway)};
  const auto text = to_json({"parley-all", "all", "1.0"}, spans);
  google::protobuf::Struct root;
  ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(text, &root).ok()) << text;
  const auto& resource = root.fields().at("resourceSpans").list_value().values(0).struct_value();
  const auto& list = resource.fields()
                         .at("scopeSpans")
                         .list_value()
                         .values(0)
                         .struct_value()
                         .fields()
                         .at("spans")
                         .list_value();
  ASSERT_EQ(list.values_size(), 2);
  const auto& gateway = list.values(0).struct_value().fields();
  const auto& owner = list.values(1).struct_value().fields();
  EXPECT_EQ(gateway.at("traceId").string_value(), "019ca8a13c2d7e8f8a1b0c2d4e6f8a9b");
  EXPECT_EQ(gateway.at("spanId").string_value().size(), 16u);
  EXPECT_FALSE(gateway.contains("parentSpanId"));
  EXPECT_EQ(owner.at("parentSpanId").string_value(), gateway.at("spanId").string_value());
  EXPECT_EQ(owner.at("startTimeUnixNano").string_value(), "1750000000000000000");
  EXPECT_EQ(owner.at("endTimeUnixNano").string_value(), "1750000000005000000");
  EXPECT_NE(text.find("\"g:42\""), std::string::npos) << text;
}

TEST(OtlpTraces, WithoutACollectorSpansAreCountedAndNobodyWaits) {
  Metrics metrics;
  {
    OtlpTraces traces({.endpoint = "http://127.0.0.1:1",
                       .per_million = 1'000'000,
                       .resource = {},
                       .waiting = 10,
                       .batch = 1'000,
                       .every = 1h},
                      metrics);
    for (int i = 0; i < 100; ++i) traces.take(span_of(Stage::gateway, Stage::gateway));
  }
  const auto text = metrics.text();
  EXPECT_NE(text.find("parley_trace_spans_total{outcome=\"dropped\"} 90\n"), std::string::npos)
      << text;
  EXPECT_NE(text.find("parley_trace_spans_total{outcome=\"failed\"} 10\n"), std::string::npos)
      << text;
}

}  // namespace
}  // namespace parley::traces
