#include "app/move.h"

#include <fmt/format.h>
#include <future>
#include <unordered_map>

#include "adapters/shared/rows/rows.h"
#include "adapters/stream/kafka/publisher.h"
#include "app/move_target.h"
#include "app/progress.h"
#include "app/remote_stores.h"
#include "app/stores.h"
#include "base/clock.h"
#include "domain/snowflake.h"

namespace parley::app {
namespace {

using Part = MoveState::Part;

constexpr std::size_t kPage = 2'000;  // rows in memory
constexpr std::chrono::seconds kSaveEvery{1};
constexpr std::int64_t kClocksApart = 5'000;           // ms
constexpr std::int64_t kKeysCertain = 20 * 3'600'000;  // ms: keys are put with a day to spare

Result<void> check_config(const Config& config) {
  const std::pair<const char*, const std::string&> needed[] = {
      {"mysql.address", config.mysql.address},
      {"cassandra.addresses", config.cassandra.addresses},
      {"kafka.addresses", config.kafka.addresses},
      {"zookeeper.addresses", config.zookeeper.addresses}};
  for (const auto& [name, value] : needed)
    if (value.empty())
      return fail(Code::invalid_argument,
                  fmt::format("{} is not set: --to cluster needs the whole cluster's "
                              "configuration in the file of --config",
                              name));
  return {};
}

/// Cursors of devices, and the times of what comes later, are of one clock.
Result<void> check_clock(const StoreInfo& info, TimeMs now) {
  const auto ahead = Snowflake::time_of(info.last_issued).value - now.value;
  if (info.last_issued == 0 || ahead <= kClocksApart) return {};
  return fail(Code::unavailable,
              fmt::format("the last message is {} s ahead of this machine's clock: set the clock "
                          "right, or wait so long",
                          ahead / 1000));
}

class Move {
 public:
  Move(const Config& config, MoveSource source, MoveTarget target)
      : config_(config), source_(std::move(source)), target_(std::move(target)) {}

  Result<void> run() {
    PARLEY_TRY_VOID(begin());
    using Step = Result<void> (Move::*)();
    const std::pair<Part, Step> steps[] = {{Part::sql, &Move::move_sql},
                                           {Part::entries, &Move::move_entries},
                                           {Part::marks, &Move::move_marks},
                                           {Part::inboxes, &Move::move_inboxes},
                                           {Part::last_seen, &Move::move_last_seen},
                                           {Part::duties, &Move::move_duties},
                                           {Part::check, &Move::check}};
    for (const auto& [part, step] : steps) {
      if (state_.part != part) continue;
      PARLEY_TRY_VOID((this->*step)());
      state_.part = static_cast<Part>(static_cast<unsigned>(part) + 1);
      state_.after.clear();
      PARLEY_TRY_VOID(save());
    }
    PARLEY_TRY_VOID(target_.conversations->end());
    PARLEY_TRY_VOID(MoveState::end(progress_db()));
    fmt::print(
        "moved: {} messages and all that belongs to them in {:.1f} s; start the cluster's "
        "processes, and keep {} until you trust them\n",
        grouped(state_.log.rows), took_.took().count(), config_.server.data);
    return {};
  }

 private:
  sql::Database& progress_db() { return *target_.databases.front(); }
  Result<void> save() {
    saved_ = std::chrono::steady_clock::now();
    return state_.write(progress_db());
  }

  Result<void> begin() {
    const auto epoch = source_.conversations->info().epoch;
    PARLEY_TRY(stored, MoveState::read(progress_db()));
    const bool ours = stored && !stored->source.empty();
    if (!ours) PARLEY_TRY_VOID(target_.must_be_empty(config_, source_));
    if (ours && stored->epoch != epoch)
      return fail(Code::conflict,
                  "the target holds an unfinished move of another server: finish that one, or name "
                  "another MySQL database, Cassandra keyspace and Kafka topic");
    if (ours) {
      state_ = *stored;
      if (state_.source == source_.version) {
        fmt::print(stderr, "going on with the move that was begun before\n");
      } else {
        fmt::print(stderr,
                   "the source has changed since the move began (its checksum is another "
                   "one): everything is read again, what is there already stays\n");
        restart();
      }
    } else {
      restart();
    }
    PARLEY_TRY_VOID(save());
    return state_.part == Part::done ? Result<void>() : target_.conversations->begin(epoch);
  }

  void restart() {
    state_ = {};
    state_.epoch = source_.conversations->info().epoch;
    state_.source = source_.version;
    state_.begun = SystemClock().wall();
  }

  Result<void> move_sql() {
    for (std::size_t i = 0; i < source_.databases.size(); ++i) {
      const auto& from = source_.databases[i];
      for (const auto& [table, sum] : from.tables) {
        Progress progress(table.name, sum.rows);
        PARLEY_TRY_VOID(sql::copy(*from.db, *target_.databases[i], table,
                                  [&](std::uint64_t rows) { progress.at(rows); }));
        progress.end();
      }
    }
    return {};
  }

  /// Page by page: `next()` reads what follows `state_.after`, `put(page)` stores it, says where it
  /// ends, and how many rows are there so far.
  template <class Next, class Put>
  Result<void> pages(const char* what, std::uint64_t total, std::uint64_t done, Next next,
                     Put put) {
    Progress progress(what, total, done);
    for (;;) {
      PARLEY_TRY(page, next());
      if (page.empty()) break;
      PARLEY_TRY(rows, put(page));
      progress.at(rows);
      if (std::chrono::steady_clock::now() - saved_ > kSaveEvery) PARLEY_TRY_VOID(save());
    }
    progress.end();
    return {};
  }

  // Where the last page ended; at the start of a part, before everything.
  ConversationId after_conversation(std::size_t at) const {
    return state_.after.empty()
               ? ConversationId()
               : ConversationId::from_key(
                     std::string_view(state_.after).substr(at, rows::kConversationBytes));
  }
  std::uint64_t after_number(std::size_t at) const {
    return state_.after.empty() ? 0 : rows::get_u64(std::string_view(state_.after).substr(at));
  }

  Result<void> move_entries() {
    return pages(
        "messages", source_.conversations->last_feed(), state_.log.rows,
        [this] {
          return source_.conversations->entries(after_conversation(0),
                                                Seq(after_number(rows::kConversationBytes)), kPage);
        },
        [this](const std::vector<EntryPtr>& page) -> Result<std::uint64_t> {
          PARLEY_TRY(sums, target_.conversations->put(page, state_.begun));
          state_.log += sums.log;
          state_.sent += sums.sent;
          state_.after = rows::entry_key(page.back()->conversation, page.back()->seq);
          return state_.log.rows;
        });
  }

  Result<void> move_marks() {
    return pages(
        "marks", 0, state_.marks.rows,
        [this] {
          return source_.conversations->marks(
              after_conversation(0), UserId(after_number(rows::kConversationBytes)), kPage);
        },
        [this](const std::vector<MarksRow>& page) -> Result<std::uint64_t> {
          PARLEY_TRY(sum, target_.conversations->put(page));
          state_.marks += sum;
          state_.after = rows::marks_key(page.back().conversation, page.back().user);
          return state_.marks.rows;
        });
  }

  Result<void> move_inboxes() {
    return pages(
        "inboxes", 0, state_.inboxes.rows,
        [this] {
          return source_.conversations->inboxes(UserId(after_number(0)), after_conversation(8),
                                                kPage);
        },
        [this](const std::vector<UserInboxRow>& page) -> Result<std::uint64_t> {
          PARLEY_TRY(sum, target_.conversations->put(page));
          state_.inboxes += sum;
          state_.after = rows::inbox_key(page.back().user, page.back().row.conversation);
          return state_.inboxes.rows;
        });
  }

  /// `use(page)` with each page of who was last seen when.
  template <class Use>
  Result<void> each_last_seen(const char* what, Use use) {
    Progress progress(what, 0);
    std::uint64_t rows = 0;
    for (UserId after;;) {
      PARLEY_TRY(page, source_.last_seen->scan(after, kPage));
      if (page.empty()) break;
      PARLEY_TRY_VOID(use(page));
      after = page.back().user;
      progress.at(rows += page.size());
    }
    progress.end();
    return {};
  }

  Result<void> move_last_seen() {
    return each_last_seen("last seen", [this](const std::vector<LastSeen>& page) {
      return target_.last_seen->put(page);
    });
  }

  /// Entries that the source had not seen to their end: those of groups go into the feed, which the
  /// group service has not read yet; conversations of two are looked after by their first owner.
  Result<void> move_duties() {
    PARLEY_TRY_VOID(stream::make_topic(kafka_of(config_), topic_of(config_)));
    PARLEY_TRY(publisher, stream::KafkaPublisher::open(kafka_of(config_)));
    const auto& positions = source_.conversations->positions();
    const auto position = [&](const char* consumer) {
      const auto found = positions.find(consumer);
      return found == positions.end() ? 0 : found->second;
    };
    const auto delivered = position("delivery"), fanned_out = position("groups");
    Progress progress("not yet delivered", 0);
    std::unordered_map<ConversationId, TimeMs> undone;
    std::vector<std::future<Result<StreamPlace>>> published;
    std::uint64_t looked_at = 0;
    for (auto at = std::min(delivered, fanned_out);;) {
      PARLEY_TRY(page, source_.conversations->feed(at, kPage));
      if (page.empty()) break;
      for (const auto& row : page) {
        const bool direct = row.conversation.is_direct();
        if (row.position <= (direct ? delivered : fanned_out)) continue;
        if (direct && undone.contains(row.conversation)) continue;
        PARLEY_TRY(found,
                   source_.conversations->entries(row.conversation, Seq(row.seq.value - 1), 1));
        if (found.empty() || found.front()->conversation != row.conversation)
          return fail(Code::damaged, "an entry that the feed names is missing from the store");
        if (direct)
          undone.emplace(row.conversation, found.front()->time);
        else
          PARLEY_TRY_VOID(publish(*publisher, *found.front(), published));
        progress.at(++looked_at);
      }
      at = page.back().position;
      for (auto& one : published)
        if (auto stored = one.get(); !stored) return std::unexpected(stored.error());
      published.clear();
    }
    std::vector<CassandraIntake::Undone> list;
    for (const auto& [conversation, since] : undone) list.push_back({conversation, since});
    PARLEY_TRY_VOID(target_.conversations->put(list, SystemClock().wall()));
    progress.end();
    return {};
  }

  static Result<void> publish(StreamPublisher& publisher, const Entry& entry,
                              std::vector<std::future<Result<StreamPlace>>>& published) {
    auto promise = std::make_shared<std::promise<Result<StreamPlace>>>();
    published.push_back(promise->get_future());
    return publisher.publish(
        entry.conversation.text(), encode_record(entry),
        [promise](Result<StreamPlace> place) { promise->set_value(std::move(place)); });
  }

  /// What the target has, read back, against what the source has.
  Result<void> check() {
    bool same = true;
    const auto judge = [&same](std::string_view what, const auto& wanted, const auto& found) {
      const bool good = wanted == found;
      same = same && good;
      fmt::print("{:<18}{:>14} rows {:>14} there, checksum {:016x} {}\n", what,
                 grouped(wanted.rows), grouped(found.rows), found.sum,
                 good ? "as the source" : fmt::format("NOT {:016x}", wanted.sum));
    };
    for (std::size_t i = 0; i < source_.databases.size(); ++i)
      for (const auto& [table, sum] : source_.databases[i].tables) {
        PARLEY_TRY(found, sql::sum_on_server(*target_.databases[i], table));
        judge(table.name, sum, found);
      }
    using Sum = Result<RowSum> (CassandraIntake::*)(const CassandraIntake::Progress&);
    const std::tuple<const char*, RowSum, Sum> tables[] = {
        {"messages", state_.log, &CassandraIntake::sum_log},
        {"keys of messages", state_.sent, &CassandraIntake::sum_sent},
        {"marks", state_.marks, &CassandraIntake::sum_marks},
        {"inboxes", state_.inboxes, &CassandraIntake::sum_inboxes}};
    for (const auto& [what, wanted, sum] : tables) {
      if (sum == &CassandraIntake::sum_sent &&
          SystemClock().wall().value - state_.begun.value > kKeysCertain)
        continue;  // some of them have ended since
      Progress progress(fmt::format("checking {}", what), wanted.rows);
      PARLEY_TRY(found, (target_.conversations.get()->*sum)(
                            [&](std::uint64_t rows) { progress.at(rows); }));
      progress.end();
      judge(what, wanted, found);
    }
    const auto entries = source_.conversations->last_feed();
    if (state_.log.rows != entries) {
      fmt::print("messages: {} were read, and the source has {}\n", state_.log.rows, entries);
      same = false;
    }
    PARLEY_TRY_VOID(each_last_seen("checking last seen",
                                   [&](const std::vector<LastSeen>& page) -> Result<void> {
                                     std::vector<UserId> users;
                                     for (const auto& row : page) users.push_back(row.user);
                                     PARLEY_TRY(found, target_.last_seen->of(users));
                                     same = same && found == page;
                                     return {};
                                   }));
    if (same) return {};
    restart();
    PARLEY_TRY_VOID(save());
    return fail(Code::damaged,
                "the target does not hold what the source has: run this again, and everything is "
                "written anew; if it ends so again, empty the target and begin from nothing");
  }

  const Config& config_;
  MoveSource source_;
  MoveTarget target_;
  MoveState state_;
  const Progress took_{"", 0};
  std::chrono::steady_clock::time_point saved_ = std::chrono::steady_clock::now();
};

}  // namespace

Result<void> move_up(const Config& config) {
  PARLEY_TRY_VOID(check_config(config));
  PARLEY_TRY(source, MoveSource::open(config));
  PARLEY_TRY_VOID(check_clock(source.conversations->info(), SystemClock().wall()));
  PARLEY_TRY_VOID(migrate(config));
  PARLEY_TRY_VOID(MoveTarget::nobody_runs(config));
  PARLEY_TRY(target, MoveTarget::open(config, source));
  return Move(config, std::move(source), std::move(target)).run();
}

}  // namespace parley::app
