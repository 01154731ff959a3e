#include "adapters/traces/otlp/otlp_traces.h"

#include <curl/curl.h>
#include <fmt/format.h>

#include "base/check.h"
#include "base/log.h"
#include "base/thread.h"

namespace parley::traces {
namespace {

Metric& spans(Metrics& metrics, const char* outcome) {
  return metrics.counter("parley_trace_spans_total", "Spans of traces, by what became of them",
                         {{"outcome", outcome}});
}

std::size_t ignore_body(char*, std::size_t, std::size_t size, void*) { return size; }

}  // namespace

OtlpTraces::OtlpTraces(OtlpSettings settings, Metrics& metrics)
    : Traces(settings.per_million),
      settings_(std::move(settings)),
      sent_(spans(metrics, "exported")),
      dropped_(spans(metrics, "dropped")),
      failed_(spans(metrics, "failed")) {
  static const CURLcode global = curl_global_init(CURL_GLOBAL_DEFAULT);
  PARLEY_CHECK(global == CURLE_OK, "libcurl begins");
  waiting_.reserve(settings_.batch);
  thread_ = std::thread([this] {
    name_thread("traces");
    run();
  });
}

OtlpTraces::~OtlpTraces() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void OtlpTraces::take(Span span) {
  const std::lock_guard lock(mutex_);
  if (waiting_.size() >= settings_.waiting) return dropped_.add();
  waiting_.push_back(std::move(span));
  if (waiting_.size() == settings_.batch) wake_.notify_one();
}

void OtlpTraces::run() {
  auto* curl = curl_easy_init();
  PARLEY_CHECK(curl, "a handle of libcurl");
  for (bool ending = false; !ending;) {
    std::vector<Span> batch;
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, settings_.every,
                     [this] { return ending_ || waiting_.size() >= settings_.batch; });
      ending = ending_;
      batch.swap(waiting_);
    }
    // At the end one attempt with all: a collector that is gone is not waited for again and again.
    const auto at_once = ending ? batch.size() : settings_.batch;
    for (std::size_t from = 0; from < batch.size(); from += at_once)
      send(curl, std::span(batch).subspan(from, std::min(at_once, batch.size() - from)));
  }
  curl_easy_cleanup(curl);
}

void OtlpTraces::send(void* handle, std::span<const Span> spans) {
  auto* curl = static_cast<CURL*>(handle);
  const auto body = to_json(settings_.resource, spans);
  curl_easy_reset(curl);  // keeps the connection
  auto* headers = curl_slist_append(nullptr, "Content-Type: application/json");
  headers = curl_slist_append(headers, "Expect:");
  curl_easy_setopt(curl, CURLOPT_URL, (settings_.endpoint + "/v1/traces").c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");  // it is where the configuration says
  curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(settings_.timeout.count()));
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body.size()));
  curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.data());
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, ignore_body);
  const auto code = curl_easy_perform(curl);
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  curl_slist_free_all(headers);
  const bool good = code == CURLE_OK && status / 100 == 2;
  (good ? sent_ : failed_).add(static_cast<std::int64_t>(spans.size()));
  if (std::exchange(told_, !good) == !good) return;
  if (good)
    log::warn("traces", "event=collector_back endpoint={}", settings_.endpoint);
  else
    log::warn("traces", "event=collector_missing endpoint={} reason=\"{}\"", settings_.endpoint,
              code == CURLE_OK ? fmt::format("HTTP status {}", status) : curl_easy_strerror(code));
}

}  // namespace parley::traces
