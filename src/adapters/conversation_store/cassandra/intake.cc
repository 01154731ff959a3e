#include "adapters/conversation_store/cassandra/intake.h"

#include <algorithm>
#include <map>

#include "adapters/conversation_store/cassandra/identity.h"
#include "adapters/conversation_store/cassandra/periods.h"
#include "adapters/shared/cassandra/fan_out.h"
#include "adapters/shared/cassandra/migrate.h"
#include "adapters/shared/rows/rows.h"
#include "domain/text.h"

namespace parley {
namespace {

using cassandra_log::number;
using cassandra_log::repeatable;

constexpr Generation kBelowAll(0);
constexpr std::size_t kWidth = 48;               // batches in flight
constexpr std::size_t kLogBytes = 64 << 10;      // of one batch, in one partition
constexpr std::size_t kPartitionsTogether = 10;  // more, and Cassandra writes a warning
// So long a retry is surely known; what is older by more than the tables keep it is left behind.
constexpr std::chrono::milliseconds kPromised = std::chrono::days(30);

/// Batches of statements for other partitions each.
class Mixed {
 public:
  cassandra::Statement& add(const cassandra::Prepared& prepared) {
    if (batch_.size() == kPartitionsTogether) next();
    if (open_) batch_.add(std::move(*open_));
    return open_.emplace(repeatable(prepared));
  }
  std::vector<cassandra::Batch> finish() {
    if (open_) batch_.add(std::move(*std::exchange(open_, std::nullopt)));
    if (batch_.size() > 0) next();
    return std::move(batches_);
  }

 private:
  void next() {
    batch_.options.idempotent = true;
    batches_.push_back(std::exchange(batch_, cassandra::Batch()));
  }
  std::optional<cassandra::Statement> open_;
  cassandra::Batch batch_;
  std::vector<cassandra::Batch> batches_;
};

}  // namespace

void RowSum::add(std::string_view row) {
  ++rows;
  sum += hash_bytes(row);
}

Result<std::unique_ptr<CassandraIntake>> CassandraIntake::open(
    std::shared_ptr<cassandra::Session> session) {
  PARLEY_TRY_VOID(cassandra::check_schema(*session));
  PARLEY_TRY(tables, cassandra_log::Tables::prepare(*session));
  return std::unique_ptr<CassandraIntake>(
      new CassandraIntake(std::move(session), std::move(tables)));
}

Result<CassandraIntake::Found> CassandraIntake::found() {
  PARLEY_TRY(epoch, cassandra_log::number_of(*session_, cassandra_log::kEpoch));
  PARLEY_TRY(moving, cassandra_log::number_of(*session_, cassandra_log::kMoving));
  return Found{epoch, moving.value_or(0) != 0};
}

/// The mark before the epoch: whoever finds the epoch finds the mark.
Result<void> CassandraIntake::begin(std::uint64_t epoch) {
  PARLEY_TRY_VOID(cassandra_log::must_be(*session_, cassandra_log::kMoving, 1));
  PARLEY_TRY_VOID(cassandra_log::must_be(*session_, cassandra_log::kEpoch, epoch));
  PARLEY_TRY_VOID(cassandra_log::must_be(*session_, "shards", kShards));
  return cassandra_log::must_be(*session_, "bucket_entries", settings_.bucket_entries);
}

Result<void> CassandraIntake::end() {
  PARLEY_TRY(put, session_->prepare("UPDATE store SET value = 0 WHERE name = ? IF value = 1"));
  cassandra::Statement statement(put);
  PARLEY_TRY_VOID(session_->run(statement.bytes(cassandra_log::kMoving)));
  PARLEY_TRY(now, found());
  if (now.moving) return fail(Code::unavailable, "Cassandra did not take the end of the move");
  return {};
}

Result<void> CassandraIntake::write(std::vector<cassandra::Batch> batches) {
  return cassandra::fan_out(*session_, batches, kWidth);
}

Result<CassandraIntake::Put> CassandraIntake::put(std::span<const EntryPtr> entries, TimeMs now) {
  Put out;
  std::vector<cassandra::Batch> batches;
  Mixed keys;
  std::string key, row, value;
  const Entry* before = nullptr;
  std::size_t bytes = 0;
  const auto bucket = [this](const Entry& e) {
    return (e.seq.value - 1) / settings_.bucket_entries;
  };
  for (const auto& pointer : entries) {
    const auto& entry = *pointer;
    if (!before || before->conversation != entry.conversation || bucket(*before) != bucket(entry) ||
        bytes > kLogBytes) {
      key = entry.conversation.key();
      bytes = 0;
      batches.emplace_back().options.idempotent = true;
    }
    before = &entry;
    value = cassandra_log::encode_row(entry.seq, entry, kBelowAll);
    bytes += value.size() + 64;
    cassandra_log::log_row(key, entry.seq.value, entry.time.value, value, row);
    out.log.add(row);
    auto put_entry = repeatable(tables_.put_entry);
    put_entry.bytes(key).bigint(number(bucket(entry))).bigint(number(entry.seq));
    put_entry.bigint(entry.time.value).bytes(value).bigint(number(kBelowAll));
    batches.back().add(std::move(put_entry));

    const auto age = std::max<std::int64_t>(0, now.value - entry.time.value);
    if (entry.client_message_id.empty() || age > kPromised.count()) continue;
    rows::encode_sent({entry.seq, hash_bytes(entry.body)}, value);
    cassandra_log::sent_row(key, entry.sender.value, entry.client_message_id, value, row);
    out.sent.add(row);
    auto& put_sent = keys.add(tables_.put_sent);
    put_sent.bytes(key).bigint(number(entry.sender)).bytes(entry.client_message_id).bytes(value);
    put_sent.integer(static_cast<std::int32_t>(settings_.idempotency.count() - age / 1000));
    put_sent.bigint(number(kBelowAll));
  }
  for (auto& batch : keys.finish()) batches.push_back(std::move(batch));
  PARLEY_TRY_VOID(write(std::move(batches)));
  return out;
}

Result<RowSum> CassandraIntake::put(std::span<const MarksRow> rows) {
  RowSum out;
  Mixed mixed;
  std::string text;
  for (const auto& row : rows) {
    MarksRow whole{row.conversation, row.user, {}};
    if (!whole.marks.merge(row.marks)) continue;  // read implies delivered; nothing: no row
    cassandra_log::marks_row(whole, text);
    out.add(text);
    const auto& marks = whole.marks;
    const auto key = row.conversation.key();
    const auto set = [&](const cassandra::Prepared& prepared, Seq seq) {
      if (!seq) return;
      auto& put = mixed.add(prepared).bigint(number(seq));
      if (&prepared == &tables_.put_read)
        put.bytes(cassandra_log::encode_read(marks));
      else
        put.bigint(number(seq));
      put.bytes(key).bigint(number(row.user));
    };
    if (marks.delivered > marks.read) set(tables_.put_delivered, marks.delivered);
    set(tables_.put_read, marks.read);
    set(tables_.put_joined, marks.joined);
    set(tables_.put_left, marks.left);
  }
  PARLEY_TRY_VOID(write(mixed.finish()));
  return out;
}

Result<RowSum> CassandraIntake::put(std::span<const UserInboxRow> rows) {
  RowSum out;
  Mixed mixed;
  std::string text;
  for (const auto& row : rows) {
    cassandra_log::inbox_row(row, text);
    out.add(text);
    const auto key = row.row.conversation.key();
    const auto set = [&](const cassandra::Prepared& prepared, std::int64_t value) {
      if (value > 0)
        mixed.add(prepared).bigint(value).bigint(value).bigint(number(row.user)).bytes(key);
    };
    set(tables_.put_changed, row.row.changed.value);
    set(tables_.put_head, number(row.row.head));
    if (row.row.wide) mixed.add(tables_.put_wide).bigint(number(row.user)).bytes(key);
  }
  PARLEY_TRY_VOID(write(mixed.finish()));
  return out;
}

Result<void> CassandraIntake::put(const std::vector<Undone>& undone, TimeMs now) {
  Mixed mixed;
  std::map<ShardId, TimeMs> settled;
  for (const auto& [conversation, since] : undone) {
    const auto shard = shard_of(conversation);
    const TimeMs before(since.value - 1);
    const auto known = settled.try_emplace(shard, before).first;
    known->second = std::min(known->second, before);
    // Under the present time, however long ago it was: that is where an owner begins to look.
    mixed.add(tables_.put_touched)
        .integer(static_cast<std::int32_t>(shard.value))
        .bigint(cassandra_log::period_of(now))
        .bytes(conversation.key())
        .integer(static_cast<std::int32_t>(settings_.recent.count()));
  }
  for (const auto& [shard, time] : settled)
    mixed.add(tables_.put_settled)
        .bigint(time.value)
        .bigint(time.value)
        .integer(static_cast<std::int32_t>(shard.value));
  return write(mixed.finish());
}

}  // namespace parley
