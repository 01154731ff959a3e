// What clients do.
#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "checker/hash.h"
#include "traffic_impl.h"

namespace parley::load {
namespace {
constexpr Nanos kHolePatience = 300'000'000;  // docs: a gap that stays open for 300 ms is fetched
constexpr Nanos kAskAgain = 3'000'000'000;
constexpr std::uint32_t kPage = 200;
}  // namespace

void Traffic::send_next(std::size_t user_number, Nanos intended) {
  User& user = users_[user_number];
  if (options_.messages > 0 && user.sent >= options_.messages) return;
  const bool post =
      !user.posts_to.empty() && (user.sends_to.empty() || happens(options_.group_ratio));
  const ConversationIndex conversation =
      post ? user.posts_to[user.next_post++ % user.posts_to.size()]
           : user.sends_to[user.next++ % user.sends_to.size()];
  Client& client = *clients_[user_number * options_.devices + user.sent++ % options_.devices];
  texts_.make(static_cast<SendIndex>(checker_.send_count()), scratch_);
  const SendIndex send = checker_.add_send(conversation, member_of(client, conversation),
                                           hash_bytes(scratch_), intended);
  ++outstanding_;
  if (client.session.ready() && client.retry.empty() && client.waiting.empty())
    transmit(client, send);
  else
    client.waiting.push_back(send);
}

void Traffic::transmit(Client& client, SendIndex send) {
  if (checker_.send(send).sent == 0) {
    if (happens(options_.typing)) type(client, checker_.send(send).conversation);
    ++result_[Counter::sent];
    client.unanswered.push_back(send);
    checker_.sent(send, now());
  } else {
    ++result_[Counter::resent];
  }
  send_frame_.set_id(request_id(Request::send, send));
  auto& request = *send_frame_.mutable_send();
  request.set_conversation_id(names_[checker_.send(send).conversation]);
  request.set_client_message_id(checker_.ids().make(send));
  texts_.make(send, *request.mutable_body()->mutable_text());
  client.session.request(send_frame_);
}

void Traffic::resend(Client& client) {
  // After a reconnect all that is unanswered; after a retryable error what failed. In the order of
  // sending, and before anything newer.
  const bool all = std::exchange(client.resend_all, false);
  std::vector<SendIndex> retry = std::exchange(client.retry, {});
  std::sort(retry.begin(), retry.end());
  if (all) {
    for (const SendIndex send : client.unanswered)
      if (checker_.send(send).acknowledged == 0 && !checker_.send(send).refused)
        transmit(client, send);
  } else {
    for (const SendIndex send : retry)
      if (checker_.send(send).acknowledged == 0) transmit(client, send);
  }
  for (const SendIndex send : std::exchange(client.waiting, {})) transmit(client, send);
}

void Traffic::retry_failed(Client& client) {
  client.has_retries = false;
  resend(client);
  for (const std::size_t slot : std::exchange(client.retry_fetches, {})) request_fetch(slot);
  for (const std::size_t job : std::exchange(client.retry_jobs, {})) request_job(client, job);
  if (std::exchange(client.retry_read, false)) send_read(client);
  if (std::exchange(client.retry_views, false)) request_views(client);
  if (std::exchange(client.retry_watch, false)) watch(client);
}

void Traffic::answered(Client& client, SendIndex send) {
  while (!client.unanswered.empty()) {
    const SendRecord& first = checker_.send(client.unanswered.front());
    if (first.acknowledged == 0 && !first.refused) break;
    client.unanswered.pop_front();
  }
  if (!options_.until_everywhere || checker_.send(send).refused || is_everywhere(send))
    done_with(send);
}

void Traffic::done_with(SendIndex send) {
  --outstanding_;
  const SendRecord& record = checker_.send(send);
  if (sending_ && options_.rate == 0)
    send_next(members_[talks_[record.conversation].first + record.member], now());
}

void Traffic::mark_dirty(Client& client, LogIndex log) {
  if (dirty_known_[log]) return;
  dirty_known_[log] = true;
  client.dirty.push_back(log);
}

void Traffic::acknowledge_entries(Client& client) {
  if (client.dirty.empty()) return;
  v1::ClientFrame frame;
  auto& marks = *frame.mutable_ack()->mutable_marks();
  const auto most = static_cast<int>(client.session.welcome().limits().ack_marks());
  std::vector<LogIndex> left;
  for (const LogIndex log : client.dirty) {
    if (marks.size() == most) {
      left.push_back(log);
      continue;
    }
    dirty_known_[log] = false;
    const std::uint64_t held = checker_.held_up_to(log);
    if (held <= delivered_sent_[log]) continue;
    delivered_sent_[log] = held;
    auto& mark = *marks.Add();
    mark.set_conversation_id(names_[checker_.conversation_of(log)]);
    mark.set_seq(held);
  }
  client.dirty = std::move(left);
  if (!marks.empty()) client.session.request(frame);
}

void Traffic::read_something(Client& client) {
  if (!sending_ || options_.read_every <= 0 || client.reading) return;
  const auto& all = users_[client.user].all;
  // Asked once a second, so this is true every `read_every` seconds on average.
  if (all.empty() || static_cast<double>(random_() % 1'000'000) * options_.read_every >= 1e6)
    return;
  const ConversationIndex conversation = all[random_() % all.size()];
  const std::uint64_t held = checker_.held_up_to(log_of(client, conversation));
  if (held < checker_.first_judged(conversation)) return;
  client.reading.emplace(conversation, held);
  ++reads_flying_;
  send_read(client);
}

void Traffic::send_read(Client& client) {
  if (!client.reading) return;
  v1::ClientFrame frame;
  frame.set_id(request_id(Request::read, 0));
  frame.mutable_read()->set_conversation_id(names_[client.reading->first]);
  frame.mutable_read()->set_seq(client.reading->second);
  client.session.request(frame);
}

void Traffic::fetch(Client& client, LogIndex log, std::uint64_t after, std::uint64_t to) {
  std::size_t slot = fetches_.size();
  if (free_fetches_.empty()) {
    fetches_.emplace_back();
  } else {
    slot = free_fetches_.back();
    free_fetches_.pop_back();
  }
  fetches_[slot] = {client.session.number, log, after, to, true};
  ++fetches_flying_;
  if (client.session.ready()) request_fetch(slot);
}

void Traffic::request_fetch(std::size_t slot) {
  const Fetch& wanted = fetches_[slot];
  v1::ClientFrame frame;
  frame.set_id(request_id(Request::fetch, slot));
  auto& history = *frame.mutable_history();
  history.set_conversation_id(names_[checker_.conversation_of(wanted.log)]);
  history.set_after(wanted.after);
  history.set_limit(kPage);
  clients_[wanted.client]->session.request(frame);
}

void Traffic::took_history(std::size_t slot, const v1::History& history) {
  if (!fetches_[slot].used) return;
  Client& client = *clients_[fetches_[slot].client];
  for (const auto& entry : history.entries()) on_entry(client, entry);
  Fetch& wanted = fetches_[slot];
  if (!history.entries().empty()) wanted.after = history.entries().rbegin()->seq();
  if (wanted.after < wanted.to && history.more_after() && !history.entries().empty())
    return request_fetch(slot);
  wanted.used = false;
  --fetches_flying_;
  free_fetches_.push_back(slot);
}

void Traffic::look_at_holes() {
  std::erase_if(holes_, [&](Hole& hole) {
    const std::uint64_t held = checker_.held_up_to(hole.log);
    if (held >= checker_.highest(hole.log)) {
      hole_known_[hole.log] = false;
      return true;
    }
    Client& client = *clients_[hole.client];
    if (turn_now_ - hole.since < kHolePatience || !client.session.ready()) return false;
    ++result_[Counter::holes_fetched];
    hole.since = turn_now_ + kAskAgain;
    fetch(client, hole.log, held, checker_.highest(hole.log));
    return false;
  });
}

}  // namespace parley::load
