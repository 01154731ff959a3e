// The last act: wait for what is owed, read all histories, judge.
#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>

#include "traffic_impl.h"

namespace parley::load {
namespace {
constexpr Nanos kMs = 1'000'000;
constexpr double kSecond = 1e9;
constexpr std::uint32_t kPage = 200;
constexpr std::size_t kJobsPerClient = 8;
constexpr std::size_t kJobsAtOnce = 512;
constexpr Nanos kProofPatience = 30'000 * kMs;  // without any progress
}  // namespace

bool Traffic::settled() const {
  if (outstanding_ > 0 || reads_flying_ > 0 || fetches_flying_ > 0 || ready_ < clients_.size())
    return false;
  for (ConversationIndex i = 0; i < talks_.size(); ++i) {
    const std::uint64_t head = checker_.highest_acknowledged(i);
    if (head == 0) continue;
    const Talk& talk = talks_[i];
    const auto first = static_cast<LogIndex>(talk.first * options_.devices);
    for (LogIndex log = first; log < first + talk.size * options_.devices; ++log)
      if (checker_.held_up_to(log) < head) return false;
    if (talk.group) continue;
    for (const MemberIndex member : {0U, 1U})
      if (checker_.delivered_known(i, member) < checker_.last_own(i, member)) return false;
  }
  return true;
}

void Traffic::settle() {
  const Nanos until = now() + static_cast<Nanos>(options_.settle * kSecond);
  bool asked_again = false;
  while (now() < until) {
    turn(now() + 10 * kMs);
    if (!settled()) continue;
    // Who may be seen is decided as one asks: by now every conversation has begun.
    if (!std::exchange(asked_again, true))
      for (const auto& client : clients_) watch(*client);
    if (all_seen()) return;
  }
  blame_unsettled();
  blame_unseen();
}

void Traffic::blame_unsettled() {
  Faults& faults = result_.faults;
  for (const auto& client : clients_) {
    const auto user = accounts_[client->user].user;
    if (!client->session.ready())
      faults.add(FaultKind::unanswered,
                 fmt::format("user {} could not come back: {}", user, last_trouble_));
    for (const auto* sends : {&client->unanswered, &client->waiting})
      for (const SendIndex send : *sends)
        if (checker_.send(send).acknowledged == 0 && !checker_.send(send).refused)
          faults.add(
              FaultKind::unanswered,
              fmt::format("{} client_message_id {} was never acknowledged",
                          names_[checker_.send(send).conversation], checker_.ids().make(send)));
    if (client->reading)
      faults.add(FaultKind::unanswered,
                 fmt::format("user {}: read of {} up to {}", user, names_[client->reading->first],
                             client->reading->second));
  }
  for (const Fetch& wanted : fetches_)
    if (wanted.used)
      faults.add(FaultKind::unanswered,
                 fmt::format("history of {} after {}", names_[checker_.conversation_of(wanted.log)],
                             wanted.after));
  for (ConversationIndex i = 0; i < talks_.size(); ++i) {
    if (talks_[i].group) continue;
    for (const MemberIndex member : {0U, 1U})
      if (checker_.delivered_known(i, member) < checker_.last_own(i, member))
        faults.add(FaultKind::unconfirmed,
                   fmt::format("{}: user {} sent up to seq {}, and knows of deliveries up to {}",
                               names_[i], accounts_[members_[talks_[i].first + member]].user,
                               checker_.last_own(i, member), checker_.delivered_known(i, member)));
  }
}

void Traffic::prove() {
  const Nanos start = now();
  proof_ = std::make_unique<Proof>();
  proof_->of_client.resize(clients_.size());
  proof_->flying.resize(clients_.size());
  proof_->views_wanted.resize(clients_.size());
  proof_->viewed.resize(members_.size());
  for (ConversationIndex i = 0; i < talks_.size(); ++i) {
    if (!checker_.was_used(i)) continue;
    for (MemberIndex member = 0; member < talks_[i].size; ++member) {
      if (member > 0 && options_.one_history) break;
      const std::size_t user = members_[talks_[i].first + member];
      proof_->of_client[user * options_.devices].push_back(proof_->jobs.size());
      proof_->jobs.push_back({i, member, checker_.first_judged(i) - 1});
    }
  }
  proof_->left = proof_->jobs.size();
  for (const auto& client : clients_) next_jobs(*client);
  std::size_t left = proof_->left;
  Nanos moved = now();
  while (proof_->left > 0) {
    turn(now() + 10 * kMs);
    if (std::exchange(left, proof_->left) != proof_->left) moved = now();
    if (proof_->progress) moved = now();
    proof_->progress = false;
    if (now() - moved > kProofPatience) {
      for (const auto& jobs : proof_->flying)
        for (const std::size_t job : jobs)
          result_.faults.add(
              FaultKind::unanswered,
              fmt::format("the history of {}", names_[proof_->jobs[job].conversation]));
      break;
    }
  }
  if (proof_->left == 0) {
    checker_.finish();
    if (!options_.no_views) prove_views();
    if (share_.receipts) prove_receipts();
  }
  result_.prove_seconds = static_cast<double>(now() - start) / kSecond;
}

void Traffic::next_jobs(Client& client) {
  auto& waiting = proof_->of_client[client.session.number];
  auto& flying = proof_->flying[client.session.number];
  while (!waiting.empty() && flying.size() < kJobsPerClient &&
         (proof_->at_once < kJobsAtOnce || flying.empty())) {
    flying.push_back(waiting.back());
    waiting.pop_back();
    ++proof_->at_once;
    request_job(client, flying.back());
  }
}

void Traffic::request_job(Client& client, std::size_t number) {
  if (!client.session.ready()) return;  // prove_again will
  const Proof::Job& job = proof_->jobs[number];
  v1::ClientFrame frame;
  frame.set_id(request_id(Request::proof, number));
  auto& history = *frame.mutable_history();
  history.set_conversation_id(names_[job.conversation]);
  history.set_after(job.after);
  history.set_limit(kPage);
  client.session.request(frame);
}

void Traffic::prove_again(Client& client) {
  for (const std::size_t job : proof_->flying[client.session.number]) request_job(client, job);
  if (proof_->views_wanted[client.session.number]) request_views(client);
}

void Traffic::on_proof_history(Client& client, std::size_t number, const v1::History& history) {
  auto& flying = proof_->flying[client.session.number];
  const auto found = std::find(flying.begin(), flying.end(), number);
  if (found == flying.end()) return;
  Proof::Job& job = proof_->jobs[number];
  for (const auto& entry : history.entries()) {
    checker_.history(job.conversation, job.member, entry);
    job.after = std::max(job.after, entry.seq());
  }
  proof_->progress = true;
  result_[Counter::history_entries] += static_cast<std::uint64_t>(history.entries_size());
  if (history.more_after() && !history.entries().empty()) return request_job(client, number);
  checker_.history_end(job.conversation, job.member,
                       std::max(history.head(), checker_.first_judged(job.conversation) - 1));
  flying.erase(found);
  --proof_->left;
  --proof_->at_once;
  next_jobs(client);
}

void Traffic::prove_receipts() {
  // An `ack` has no answer, so it is asked until what was confirmed last is there.
  std::vector<ConversationIndex> left;
  for (ConversationIndex i = 0; i < talks_.size(); ++i)
    if (talks_[i].group && checker_.highest_acknowledged(i) > 0) left.push_back(i);
  const Nanos until = now() + static_cast<Nanos>(options_.settle * kSecond);
  for (bool last_time = false; !left.empty() && !last_time;) {
    last_time = now() >= until;
    std::erase_if(left, [&](ConversationIndex i) { return prove_receipts_of(i, last_time); });
    turn(now() + 100 * kMs);
  }
}

bool Traffic::prove_receipts_of(ConversationIndex index, bool last_time) {
  const Talk& talk = talks_[index];
  const std::uint64_t head = checker_.highest_acknowledged(index);
  const auto told = share_.receipts(accounts_[members_[talk.first]], names_[index], head);
  std::unordered_map<std::uint64_t, const v1::Receipt*> by_user;
  for (const auto& each : told.each()) by_user.emplace(each.user_id(), &each);
  std::uint64_t missing = 0;
  std::string wrong;
  for (MemberIndex i = 0; i < talk.size && told.each_size() > 0; ++i) {
    const std::uint64_t user = accounts_[members_[talk.first + i]].user;
    const auto found = by_user.find(user);
    if (found == by_user.end()) {
      ++missing;  // the sender of that entry
      continue;
    }
    const v1::Receipt& each = *found->second;
    const std::uint64_t read = checker_.read_up_to(index, i);
    if (each.delivered() < head || each.read() < read || each.read() > each.delivered())
      wrong = fmt::format("user {} has confirmed up to {} and read up to {}, not {} and {}", user,
                          each.delivered(), each.read(), head, read);
  }
  if (told.each_size() > 0 && missing > 1)
    wrong = fmt::format("{} members are not spoken of", missing);
  if (told.delivered() + 1 < talk.size)
    wrong = fmt::format("{} others have it, and {} are said to", talk.size - 1, told.delivered()) +
            (wrong.empty() ? "" : "; " + wrong);
  if (!wrong.empty() && last_time)
    result_.faults.add(FaultKind::unconfirmed,
                       fmt::format("{} seq {}: {}", names_[index], head, wrong));
  return wrong.empty();
}

void Traffic::prove_views() {
  // All that changed since a person's first device began: what comes says how much is unread.
  for (std::size_t user = 0; user < users_.size(); ++user) {
    Client& client = *clients_[user * options_.devices];
    proof_->views_wanted[client.session.number] = true;
    ++proof_->views_left;
    if (client.session.ready()) request_views(client);
  }
  const Nanos until = now() + kProofPatience;
  while (proof_->views_left > 0 && now() < until) turn(now() + 10 * kMs);
  if (proof_->views_left > 0)
    result_.faults.add(FaultKind::unanswered,
                       fmt::format("{} requests to sync", proof_->views_left));
  for (ConversationIndex i = 0; i < talks_.size(); ++i)
    for (std::size_t place = talks_[i].first; place < talks_[i].first + talks_[i].size; ++place)
      if (checker_.highest_acknowledged(i) > 0 && !proof_->viewed[place])
        result_.faults.add(FaultKind::unread,
                           fmt::format("{}: user {} was not told where it stands", names_[i],
                                       accounts_[members_[place]].user));
}

void Traffic::request_views(Client& client) {
  v1::ClientFrame frame;
  frame.set_id(request_id(Request::views, 0));
  frame.mutable_sync()->set_cursor(client.first_cursor);
  client.session.request(frame);
}

void Traffic::on_view(Client& client, const v1::Conversation& view) {
  const auto conversation = find_own(client, view.conversation_id());
  if (!conversation || !proof_->views_wanted[client.session.number]) return;
  const MemberIndex member = member_of(client, *conversation);
  proof_->viewed[talks_[*conversation].first + member] = true;
  checker_.view(*conversation, member, view);
  ++result_[Counter::views];
}

void Traffic::on_views_end(Client& client) {
  if (!proof_->views_wanted[client.session.number]) return;
  proof_->views_wanted[client.session.number] = false;
  --proof_->views_left;
}

}  // namespace parley::load
