// Typing, and who is online.
#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "traffic_impl.h"

namespace parley::load {

void Traffic::type(Client& client, ConversationIndex conversation) {
  typed_[talks_[conversation].first + member_of(client, conversation)] = true;
  v1::ClientFrame frame;
  frame.mutable_typing()->set_conversation_id(names_[conversation]);
  client.session.request(frame);
  ++result_[Counter::typing_sent];
}

void Traffic::on_typing(Client& client, const v1::TypingNotice& notice) {
  // It may be dropped, but what is told must be so, and told to members alone.
  ++result_[Counter::typing_told];
  const auto conversation = find(notice.conversation_id());
  bool true_of_somebody = false;
  if (conversation && member_of(client, *conversation) < talks_[*conversation].size) {
    const Talk& talk = talks_[*conversation];
    for (std::size_t place = talk.first; place < talk.first + talk.size; ++place)
      if (typed_[place] && accounts_[members_[place]].user == notice.user_id() &&
          members_[place] != client.user)
        true_of_somebody = true;
  }
  if (!true_of_somebody)
    result_.faults.add(FaultKind::untrue, fmt::format("user {} was told that user {} types in {}",
                                                      accounts_[client.user].user, notice.user_id(),
                                                      notice.conversation_id()));
}

void Traffic::watch(Client& client) {
  if (!client.watches || client.asks || !client.session.ready()) return;
  // The others of its conversations, as many as may be watched; in turn, so that a large group does
  // not take all.
  const std::size_t most = std::max(1U, client.session.welcome().limits().watched_users());
  std::unordered_map<std::uint64_t, bool> seen;
  v1::ClientFrame frame;
  frame.set_id(request_id(Request::watch, 0));
  auto& users = *frame.mutable_presence()->mutable_user_ids();
  const auto& all = users_[client.user].all;
  const std::size_t places = std::min(all.size(), most);
  const std::size_t each = places == 0 ? 0 : most / places;
  for (std::size_t i = 0; i < places; ++i) {
    const Talk& talk = talks_[all[i]];
    if (!talk.group && checker_.highest_acknowledged(all[i]) == 0) continue;  // has not begun
    for (std::size_t k = 0; k < std::min<std::size_t>(each, talk.size); ++k) {
      const std::size_t user = members_[talk.first + (k + client.user) % talk.size];
      if (user == client.user) continue;
      if (seen.emplace(accounts_[user].user, false).second) users.Add(accounts_[user].user);
    }
  }
  if (users.empty()) return;
  client.seen = std::move(seen);
  client.asks = true;
  ++watching_;
  ++result_[Counter::presence_asked];
  client.session.request(frame);
}

void Traffic::on_watched(Client& client) {
  if (std::exchange(client.asks, false)) --watching_;
}

void Traffic::on_presence(Client& client, std::uint64_t re, const v1::PresenceNotice& notice) {
  ++result_[Counter::presence_told];
  if (re != 0) on_watched(client);
  const auto watched = client.seen.find(notice.user_id());
  if (watched != client.seen.end()) {
    watched->second = notice.online();
    return;
  }
  result_.faults.add(FaultKind::untrue,
                     fmt::format("user {} was told of user {}, whom nobody asked for",
                                 accounts_[client.user].user, notice.user_id()));
}

bool Traffic::all_seen() const {
  if (watching_ > 0) return false;
  return std::ranges::all_of(clients_, [](const auto& client) {
    return std::ranges::all_of(client->seen, [](const auto& who) { return who.second; });
  });
}

void Traffic::blame_unseen() {
  for (const auto& client : clients_) {
    if (client->asks)
      result_.faults.add(FaultKind::unanswered,
                         fmt::format("user {} asked who is online", accounts_[client->user].user));
    for (const auto& [user, online] : client->seen)
      if (!online && !client->asks)
        result_.faults.add(FaultKind::untrue,
                           fmt::format("user {} is shown to user {} as absent, and is here", user,
                                       accounts_[client->user].user));
  }
}

}  // namespace parley::load
