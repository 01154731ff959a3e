#include "base/metrics.h"

#include <algorithm>
#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "base/check.h"

namespace parley {
namespace {

double seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

prometheus::ClientMetric::Histogram snapshot(const Histogram& from) {
  prometheus::ClientMetric::Histogram out;
  for (std::size_t i = 0; i < Histogram::kBounds.size(); ++i) {
    out.sample_count += static_cast<std::uint64_t>(from.count(i));
    out.bucket.push_back({out.sample_count, Histogram::kBounds[i]});
  }
  out.sample_count += static_cast<std::uint64_t>(from.count(Histogram::kBounds.size()));
  out.sample_sum = seconds(from.sum());
  return out;
}

}  // namespace

void Histogram::observe(std::chrono::nanoseconds took, std::int64_t times) {
  const auto at = std::ranges::lower_bound(kBounds, seconds(took)) - kBounds.begin();
  counts_[static_cast<std::size_t>(at)].fetch_add(times, std::memory_order_relaxed);
  sum_.fetch_add(took.count() * times, std::memory_order_relaxed);
}

Metric& Metrics::counter(std::string name, std::string help, Labels labels) {
  return *std::get<0>(value(std::move(name), std::move(help), Kind::counter, std::move(labels),
                            std::make_unique<Metric>()));
}
Metric& Metrics::gauge(std::string name, std::string help, Labels labels) {
  return *std::get<0>(value(std::move(name), std::move(help), Kind::gauge, std::move(labels),
                            std::make_unique<Metric>()));
}
Histogram& Metrics::histogram(std::string name, std::string help, Labels labels) {
  return *std::get<1>(value(std::move(name), std::move(help), Kind::histogram, std::move(labels),
                            std::make_unique<Histogram>()));
}
void Metrics::gauge_of(std::string name, std::string help, Read read, Labels labels) {
  value(std::move(name), std::move(help), Kind::gauge, std::move(labels), std::move(read));
}
void Metrics::counter_of(std::string name, std::string help, Read read, Labels labels) {
  value(std::move(name), std::move(help), Kind::counter, std::move(labels), std::move(read));
}

Metrics::Value& Metrics::value(std::string name, std::string help, Kind kind, Labels labels,
                               Value made) {
  const std::lock_guard lock(mutex_);
  const auto at = families_.try_emplace(std::move(name), kind, std::move(help)).first;
  auto& family = at->second;
  PARLEY_CHECK(family.kind == kind, "a metric is of one kind");
  return family.values.try_emplace(std::move(labels), std::move(made)).first->second;
}

std::string Metrics::text() const {
  struct Row {
    prometheus::ClientMetric* out;
    const Read* read;
    bool counter;
  };
  std::vector<prometheus::MetricFamily> families;
  std::vector<Row> to_read;  // without the mutex: whoever is asked may just be making a metric
  {
    const std::lock_guard lock(mutex_);
    families.reserve(families_.size());
    for (const auto& [name, family] : families_) {
      const auto type = family.kind == Kind::counter ? prometheus::MetricType::Counter
                        : family.kind == Kind::gauge ? prometheus::MetricType::Gauge
                                                     : prometheus::MetricType::Histogram;
      auto& out = families.emplace_back(name, family.help, type);
      out.metric.reserve(family.values.size());
      for (const auto& [labels, value] : family.values) {
        auto& row = out.metric.emplace_back();
        for (const auto& [label, is] : labels) row.label.push_back({label, is});
        if (const auto* metric = std::get_if<0>(&value)) {
          row.counter.value = row.gauge.value = static_cast<double>((*metric)->value());
        } else if (const auto* histogram = std::get_if<1>(&value)) {
          row.histogram = snapshot(**histogram);
        } else {
          to_read.push_back({&row, &std::get<2>(value), family.kind == Kind::counter});
        }
      }
    }
  }
  for (const auto& [out, read, counter] : to_read)
    (counter ? out->counter.value : out->gauge.value) = (*read)();
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace parley
