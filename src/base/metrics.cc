#include "base/metrics.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace parley {

Metric& Metrics::counter(std::string name, std::string help) {
  return row(std::move(name), std::move(help), true);
}
Metric& Metrics::gauge(std::string name, std::string help) {
  return row(std::move(name), std::move(help), false);
}

Metric& Metrics::row(std::string name, std::string help, bool counter) {
  std::lock_guard lock(mutex_);
  for (auto& row : rows_)
    if (row->name == name) return row->metric;
  rows_.push_back(std::make_unique<Row>());
  rows_.back()->name = std::move(name);
  rows_.back()->help = std::move(help);
  rows_.back()->counter = counter;
  return rows_.back()->metric;
}

std::string Metrics::text() const {
  std::lock_guard lock(mutex_);
  std::vector<prometheus::MetricFamily> families;
  for (const auto& row : rows_) {
    prometheus::ClientMetric metric;
    if (row->counter)
      metric.counter.value = static_cast<double>(row->metric.value());
    else
      metric.gauge.value = static_cast<double>(row->metric.value());
    families.push_back(
        {row->name,
         row->help,
         row->counter ? prometheus::MetricType::Counter : prometheus::MetricType::Gauge,
         {metric}});
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace parley
