// Who talks with whom.
#include "traffic_impl.h"

namespace parley::load {

void Traffic::make_pairs_talk() {
  const auto pairs =
      make_pairs(accounts_.size(), senders_,
                 part_of(options_.conversations, options_.processes, share_.process));
  names_.reserve(pairs.size());
  for (const auto& [sender, receiver] : pairs) {
    std::vector<std::size_t> users{sender, receiver};
    if (accounts_[sender].user > accounts_[receiver].user) std::swap(users[0], users[1]);
    const auto index =
        checker_.add_conversation(accounts_[users[0]].user, accounts_[users[1]].user);
    add_talk(index, users, false);
    users_[sender].sends_to.push_back(index);
    if (options_.senders == 0) users_[receiver].sends_to.push_back(index);
  }
}

void Traffic::make_groups_talk(const std::vector<GroupPlan>& groups) {
  for (const GroupPlan& plan : groups) {
    std::vector<std::uint64_t> ids;
    for (const std::size_t user : plan.members) ids.push_back(accounts_[user].user);
    const auto index = checker_.add_group(plan.conversation, ids);
    add_talk(index, plan.members, true);
    for (MemberIndex i = 0; i < plan.members.size(); ++i) {
      User& user = users_[plan.members[i]];
      user.groups.emplace_back(index, i);
      if (i < plan.posters) user.posts_to.push_back(index);
    }
  }
}

void Traffic::add_talk(ConversationIndex index, const std::vector<std::size_t>& users, bool group) {
  talks_.push_back({members_.size(), static_cast<MemberIndex>(users.size()), group});
  names_.push_back(checker_.name(index));
  for (MemberIndex i = 0; i < users.size(); ++i) {
    members_.push_back(users[i]);
    users_[users[i]].all.push_back(index);
    const auto& tokens = accounts_[users[i]].tokens;
    for (std::size_t d = 0; d < options_.devices; ++d)
      checker_.add_log(index, i, tokens[d % tokens.size()].device);
  }
}

void Traffic::make_clients() {
  for (ConversationIndex i = 0; i < names_.size(); ++i) by_name_.emplace(names_[i], i);
  for (std::size_t user = 0; user < users_.size(); ++user)
    if (!users_[user].sends_to.empty() || !users_[user].posts_to.empty()) speakers_.push_back(user);
  delivered_sent_.resize(members_.size() * options_.devices);
  hole_known_.resize(delivered_sent_.size());
  dirty_known_.resize(delivered_sent_.size());
  typed_.resize(members_.size());
  for (std::size_t user = 0; user < users_.size(); ++user) {
    for (std::size_t d = 0; d < options_.devices; ++d) {
      auto client = std::make_unique<Client>(loop_, target_, *this, clients_.size(), user);
      client->session.token = accounts_[user].tokens[d % accounts_[user].tokens.size()].text;
      client->watches = happens(options_.presence);
      clients_.push_back(std::move(client));
    }
  }
}

bool Traffic::happens(double probability) {
  if (probability <= 0 || probability >= 1) return probability >= 1;
  return static_cast<double>(random_() % 1'000'000) < probability * 1e6;
}

}  // namespace parley::load
