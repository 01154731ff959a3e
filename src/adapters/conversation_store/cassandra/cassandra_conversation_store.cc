#include "adapters/conversation_store/cassandra/cassandra_conversation_store.h"

#include <boost/asio.hpp>
#include <charconv>
#include <fmt/format.h>
#include <map>
#include <random>

#include "adapters/conversation_store/cassandra/identity.h"
#include "adapters/conversation_store/cassandra/periods.h"
#include "adapters/shared/cassandra/fan_out.h"
#include "adapters/shared/cassandra/migrate.h"
#include "adapters/shared/rows/rows.h"
#include "base/thread.h"

namespace parley {
namespace {

using cassandra_log::number;
using cassandra_log::repeatable;

constexpr std::size_t kShardsAtOnce = 64;  // read by one statement
constexpr std::size_t kWritesAtOnce = 32;

std::vector<std::int32_t> numbers(std::span<const ShardId> shards) {
  std::vector<std::int32_t> out;
  for (const auto shard : shards) out.push_back(static_cast<std::int32_t>(shard.value));
  return out;
}

std::uint64_t random_number() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32 | device()) >> 1;  // a bigint has a sign
}

}  // namespace

Result<std::unique_ptr<CassandraConversationStore>> CassandraConversationStore::open(
    std::shared_ptr<cassandra::Session> session, Settings settings) {
  PARLEY_TRY_VOID(cassandra::check_schema(*session));
  PARLEY_TRY(moving, cassandra_log::number_of(*session, cassandra_log::kMoving));
  if (moving.value_or(0) != 0)
    return fail(Code::unsupported,
                fmt::format("the move into keyspace '{}' of Cassandra is not finished: run "
                            "`parleyd migrate --from embedded --to cluster` again",
                            session->settings().keyspace));
  PARLEY_TRY(epoch, cassandra_log::ensure(*session, cassandra_log::kEpoch, random_number()));
  PARLEY_TRY_VOID(cassandra_log::must_be(*session, "shards", kShards));
  PARLEY_TRY_VOID(cassandra_log::must_be(*session, "bucket_entries", settings.bucket_entries));
  PARLEY_TRY(tables, cassandra_log::Tables::prepare(*session));
  return std::unique_ptr<CassandraConversationStore>(new CassandraConversationStore(
      std::move(session), std::move(settings), std::move(tables), epoch));
}

CassandraConversationStore::CassandraConversationStore(std::shared_ptr<cassandra::Session> session,
                                                       Settings settings,
                                                       cassandra_log::Tables tables,
                                                       std::uint64_t epoch)
    : session_(std::move(session)),
      settings_(std::move(settings)),
      tables_(std::move(tables)),
      info_{epoch, Generation(0), 0, false},
      over_(kShards),
      work_(io_.get_executor()),
      thread_([this] {
        name_thread("cassandra store");
        io_.run();
      }) {}

CassandraConversationStore::~CassandraConversationStore() {
  boost::asio::post(io_, [this] {
    drained_ = [this] { work_.reset(); };
    closing_ = true;
    stop_waiting();
    if (writes_.empty()) drained_();
  });
  thread_.join();
}

/// For each period, the shards that want it in one statement.
Result<std::vector<ConversationId>> CassandraConversationStore::touched(
    std::span<const ShardTime> since) {
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch() + settings_.clocks_apart);
  const auto kept = TimeMs(now.count() - std::chrono::milliseconds(settings_.recent).count());
  const auto first_of = [kept](const ShardTime& each) {
    return cassandra_log::period_of(std::max(each.time, kept));
  };
  const auto last = cassandra_log::period_of(TimeMs(now.count()));
  std::map<std::int64_t, std::vector<ShardId>> wanted;
  for (const auto& each : since)
    for (auto period = first_of(each); period <= last; ++period)
      wanted[period].push_back(each.shard);
  std::unordered_set<ConversationId> found;
  for (const auto& [period, shards] : wanted)
    for (std::size_t at = 0; at < shards.size(); at += kShardsAtOnce) {
      auto statement = repeatable(tables_.touched);
      statement.integers(numbers(
          std::span(shards).subspan(at).first(std::min(kShardsAtOnce, shards.size() - at))));
      statement.bigint(period);
      PARLEY_TRY_VOID(each_row(std::move(statement), [&](const auto& rows, auto i) -> Result<bool> {
        if (rows.at(i, 0).bytes().size() != rows::kConversationBytes)
          return cassandra_log::damaged("touched");
        found.insert(ConversationId::from_key(rows.at(i, 0).bytes()));
        return true;
      }));
    }
  return std::vector(found.begin(), found.end());
}

Result<std::vector<TimeMs>> CassandraConversationStore::settled(std::span<const ShardId> shards) {
  std::map<ShardId, TimeMs> said;
  for (std::size_t at = 0; at < shards.size(); at += kShardsAtOnce) {
    auto statement = repeatable(tables_.settled);
    statement.integers(
        numbers(shards.subspan(at).first(std::min(kShardsAtOnce, shards.size() - at))));
    PARLEY_TRY_VOID(each_row(std::move(statement), [&](const auto& rows, auto i) -> Result<bool> {
      said[ShardId(static_cast<std::uint32_t>(rows.at(i, 0).integer()))] =
          TimeMs(rows.at(i, 1).bigint());
      return true;
    }));
  }
  std::vector<TimeMs> out;
  for (const auto shard : shards) out.push_back(said[shard]);
  return out;
}

Result<void> CassandraConversationStore::set_settled(std::span<const ShardId> shards, TimeMs time) {
  return cassandra::fan_out(
      *session_, shards.size(), kWritesAtOnce,
      [&](std::size_t i) {
        auto statement = repeatable(tables_.put_settled);
        statement.bigint(time.value).bigint(time.value);
        statement.integer(static_cast<std::int32_t>(shards[i].value));
        return statement;
      },
      [](std::size_t, const cassandra::Rows&) {});
}

}  // namespace parley
