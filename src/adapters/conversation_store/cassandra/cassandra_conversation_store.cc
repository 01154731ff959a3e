#include "adapters/conversation_store/cassandra/cassandra_conversation_store.h"

#include <boost/asio.hpp>
#include <charconv>
#include <fmt/format.h>
#include <random>

#include "adapters/conversation_store/cassandra/periods.h"
#include "adapters/shared/cassandra/migrate.h"
#include "adapters/shared/rows/rows.h"
#include "base/thread.h"

namespace parley {
namespace {

using cassandra_log::number;
using cassandra_log::repeatable;

/// The number by that name in the table `store`: the one given, where there is none yet.
Result<std::uint64_t> ensure(cassandra::Session& session, std::string_view name,
                             std::uint64_t value) {
  PARLEY_TRY(put, session.prepare("INSERT INTO store (name, value) VALUES (?, ?) IF NOT EXISTS"));
  PARLEY_TRY(get, session.prepare("SELECT value FROM store WHERE name = ?"));
  cassandra::Statement insert(put);
  insert.bytes(name).bigint(number(value));
  if (auto made = session.run(insert); !made) return std::unexpected(made.error());
  auto select = repeatable(get);
  // What may be half done is finished by reading so.
  select.options.consistency = cassandra::Consistency::local_serial;
  PARLEY_TRY(rows, session.run(select.bytes(name)));
  if (rows.empty()) return cassandra_log::damaged("store");
  return static_cast<std::uint64_t>(rows.at(0, 0).bigint());
}

Result<void> must_be(cassandra::Session& session, std::string_view name, std::uint64_t value) {
  PARLEY_TRY(stored, ensure(session, name, value));
  if (stored == value) return {};
  return fail(
      Code::unsupported,
      fmt::format("the store in Cassandra was made with {} = {}, this program has {}: it is "
                  "fixed for the life of a store",
                  name, stored, value));
}

std::uint64_t random_number() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32 | device()) >> 1;  // a bigint has a sign
}

}  // namespace

Result<std::unique_ptr<CassandraConversationStore>> CassandraConversationStore::open(
    std::shared_ptr<cassandra::Session> session, Settings settings) {
  PARLEY_TRY_VOID(cassandra::check_schema(*session));
  PARLEY_TRY(epoch, ensure(*session, "epoch", random_number()));
  PARLEY_TRY_VOID(must_be(*session, "shards", kShards));
  PARLEY_TRY_VOID(must_be(*session, "bucket_entries", settings.bucket_entries));
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

Result<std::vector<ConversationId>> CassandraConversationStore::touched(ShardId shard,
                                                                        TimeMs since) {
  const auto now = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::system_clock::now().time_since_epoch() + settings_.clocks_apart);
  const auto kept = TimeMs(now.count() - std::chrono::milliseconds(settings_.recent).count());
  std::unordered_set<ConversationId> found;
  const auto last = cassandra_log::period_of(TimeMs(now.count()));
  for (auto period = cassandra_log::period_of(std::max(since, kept)); period <= last; ++period) {
    auto statement = repeatable(tables_.touched);
    statement.integer(static_cast<std::int32_t>(shard.value)).bigint(period);
    PARLEY_TRY_VOID(each_row(std::move(statement), [&](const auto& rows, auto i) -> Result<bool> {
      if (rows.at(i, 0).bytes().size() != rows::kConversationBytes)
        return cassandra_log::damaged("touched");
      found.insert(ConversationId::from_key(rows.at(i, 0).bytes()));
      return true;
    }));
  }
  return std::vector(found.begin(), found.end());
}

Result<TimeMs> CassandraConversationStore::settled(ShardId shard) {
  auto statement = repeatable(tables_.settled);
  statement.integer(static_cast<std::int32_t>(shard.value));
  PARLEY_TRY(rows, session_->run(statement));
  return rows.empty() ? TimeMs(0) : TimeMs(rows.at(0, 0).bigint());
}

Result<void> CassandraConversationStore::set_settled(ShardId shard, TimeMs time) {
  auto statement = repeatable(tables_.put_settled);
  statement.bigint(time.value).bigint(time.value).integer(static_cast<std::int32_t>(shard.value));
  if (auto stored = session_->run(statement); !stored) return std::unexpected(stored.error());
  return {};
}

}  // namespace parley
