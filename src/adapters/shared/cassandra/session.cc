#include "adapters/shared/cassandra/session.h"

#include <fmt/format.h>
#include <future>

namespace parley::cassandra {
namespace {

constexpr std::uint32_t kRetryAfterMs = 1000;

Error explain(const Settings& settings, std::int32_t kind, std::string_view text) {
  const auto say = [&](Code code, std::string_view what, std::uint32_t retry_after_ms = 0) {
    return Error{code,
                 fmt::format("Cassandra at {} {}: {}", settings.contact_points, what, text),
                 {},
                 retry_after_ms};
  };
  switch (kind) {
    case PARLEY_CQL_UNAVAILABLE:
      return say(Code::unavailable, "cannot be reached, or lacks replicas", kRetryAfterMs);
    case PARLEY_CQL_OVERLOADED:
      return say(Code::unavailable, "was asked too much at once", kRetryAfterMs);
    case PARLEY_CQL_TIMED_OUT:
      return say(Code::timed_out, "did not say whether it was done", kRetryAfterMs);
    case PARLEY_CQL_NO_SPACE:
      return say(Code::storage_full, "has no disk space left");
    case PARLEY_CQL_INVALID:
      return say(Code::internal, "refused a request");
    default:
      return say(Code::internal, "failed");
  }
}

Result<Rows> answer(const Settings& settings, parley_cql_result* result) {
  Rows::Owned owned(result);
  parley_cql_view view;
  parley_cql_result_view(result, &view);
  if (view.kind == PARLEY_CQL_OK) return Rows(std::move(owned));
  return std::unexpected(explain(settings, view.kind, {view.message, view.message_size}));
}

/// What travels through the driver.
struct Call {
  const Settings& settings;  // the session outlives its calls
  Completion completion;

  static void* make(const Settings& settings, Completion completion) {
    return new Call{settings, std::move(completion)};
  }
  static void done(void* context, parley_cql_result* result) {
    const std::unique_ptr<Call> call(static_cast<Call*>(context));
    call->completion(answer(call->settings, result));
  }
};

std::uint32_t ms(std::chrono::milliseconds time) {
  return static_cast<std::uint32_t>(time.count());
}

parley_cql_options to_c(const Options& options) {
  return {.timestamp_us = options.timestamp.value_or(PARLEY_CQL_NO_TIMESTAMP),
          .paging_state = options.paging_state.empty()
                              ? nullptr
                              : reinterpret_cast<const std::uint8_t*>(options.paging_state.data()),
          .paging_state_size = options.paging_state.size(),
          .page_size = options.page_size,
          .timeout_ms = ms(options.timeout),
          .consistency = std::to_underlying(options.consistency),
          .serial_consistency = std::to_underlying(options.serial_consistency),
          .idempotent = options.idempotent};
}

/// Starts by `start(completion)` and waits.
Result<Rows> wait(std::invocable<Completion> auto start) {
  std::promise<Result<Rows>> promise;
  auto future = promise.get_future();
  start([promise = std::move(promise)](Result<Rows> rows) mutable {
    promise.set_value(std::move(rows));
  });
  return future.get();
}

}  // namespace

Result<std::unique_ptr<Session>> Session::open(Settings settings) {
  const auto or_null = [](const std::string& text) {
    return text.empty() ? nullptr : text.c_str();
  };
  const parley_cql_settings wanted{.contact_points = settings.contact_points.c_str(),
                                   .keyspace = or_null(settings.keyspace),
                                   .local_dc = or_null(settings.local_dc),
                                   .user = or_null(settings.user),
                                   .password = or_null(settings.password),
                                   .threads = settings.threads,
                                   .connections_per_node = settings.connections_per_node,
                                   .open_timeout_ms = ms(settings.open_timeout),
                                   .request_timeout_ms = ms(settings.request_timeout),
                                   .schema_timeout_ms = ms(settings.schema_timeout),
                                   .max_in_flight = settings.max_in_flight};
  parley_cql_session* session = nullptr;
  auto opened = answer(settings, parley_cql_open(&wanted, &session));
  if (opened) return std::unique_ptr<Session>(new Session(std::move(settings), session));
  if (opened.error().message.contains(
          fmt::format("Keyspace '{}' does not exist", settings.keyspace)))
    return fail(Code::unsupported,
                fmt::format("Cassandra at {} has no keyspace '{}': run `parleyd migrate --config "
                            "FILE`",
                            settings.contact_points, settings.keyspace));
  return std::unexpected(std::move(opened).error());
}

Session::~Session() { parley_cql_close(session_); }

Result<Prepared> Session::prepare(std::string_view cql) {
  parley_cql_prepared* prepared = nullptr;
  auto result = answer(settings_, parley_cql_prepare(session_, cql.data(), cql.size(),
                                                     ms(settings_.request_timeout), &prepared));
  if (!result) return std::unexpected(std::move(result).error());
  return Prepared(prepared);
}

void Session::execute(const Statement& statement, Completion completion) {
  const auto bound = statement.bound();
  const auto options = to_c(statement.options);
  parley_cql_execute(session_, &bound, &options, &Call::done,
                     Call::make(settings_, std::move(completion)));
}

void Session::execute(const Batch& batch, Completion completion) {
  std::vector<parley_cql_bound> bound;
  bound.reserve(batch.size());
  for (const auto& statement : batch.statements_) bound.push_back(statement.bound());
  const auto options = to_c(batch.options);
  parley_cql_batch(session_, std::to_underlying(batch.kind_), bound.data(), bound.size(), &options,
                   &Call::done, Call::make(settings_, std::move(completion)));
}

Result<Rows> Session::run(const Statement& statement) {
  return wait([&](Completion done) { execute(statement, std::move(done)); });
}
Result<Rows> Session::run(const Batch& batch) {
  return wait([&](Completion done) { execute(batch, std::move(done)); });
}
Result<Rows> Session::run(std::string_view cql, const Options& options) {
  return wait([&](Completion done) {
    const auto wanted = to_c(options);
    parley_cql_query(session_, cql.data(), cql.size(), &wanted, &Call::done,
                     Call::make(settings_, std::move(done)));
  });
}

}  // namespace parley::cassandra
