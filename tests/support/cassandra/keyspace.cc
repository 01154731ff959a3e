#include "tests/support/cassandra/keyspace.h"

#include <fmt/format.h>
#include <stdexcept>

#include "tests/support/backends/backends.h"

namespace parley::test {
namespace {

using namespace std::chrono_literals;

template <class T>
T or_throw(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

}  // namespace

void run_on_cassandra(const std::string& cql) {
  cassandra::Settings outside;
  outside.contact_points = backend("cassandra");
  outside.open_timeout = 30s;
  cassandra::Options patient;
  patient.timeout = 60s;
  or_throw(or_throw(cassandra::Session::open(outside))->run(cql, patient));
}

Keyspace::Keyspace(std::span<const cassandra::Migration> steps) {
  settings_.contact_points = backend("cassandra");
  settings_.keyspace = unique_name("t");
  settings_.open_timeout = 30s;  // far beyond what a slow machine needs
  settings_.request_timeout = 30s;
  settings_.schema_timeout = 60s;
  or_throw(cassandra::migrate(settings_, 1, steps));
}

Keyspace::~Keyspace() {
  auto outside = settings_;
  outside.keyspace.clear();
  if (auto session = cassandra::Session::open(outside)) {
    cassandra::Options patient;
    patient.timeout = settings_.schema_timeout;
    const auto dropped =
        (*session)->run(fmt::format("DROP KEYSPACE \"{}\"", settings_.keyspace), patient);
    if (!dropped)
      fmt::print(stderr, "keyspace {} stays: {}\n", settings_.keyspace, dropped.error().message);
  }
}

std::unique_ptr<cassandra::Session> Keyspace::open(const cassandra::Settings& settings) {
  return or_throw(cassandra::Session::open(settings));
}

}  // namespace parley::test
