#include "groups.h"

#include <fmt/format.h>
#include <map>
#include <stdexcept>

#include "http.h"

namespace parley::load {
namespace {

constexpr std::size_t kAtOnce = 256;  // users of one change, the creator among the first ones

std::string create(const Options& options, const std::vector<Account>& people,
                   const GroupPlan& plan, const std::string& request) {
  const Account& owner = people[plan.members.front()];
  const std::string& token = owner.tokens.front().text;
  v1::CreateGroupRequest first;
  first.set_request_id(request);
  first.set_title(fmt::format("load {}", request));
  for (std::size_t i = 1; i < std::min(kAtOnce, plan.members.size()); ++i)
    first.add_members(people[plan.members[i]].user);
  v1::Group group;
  http_call(options, "POST", "/v1/groups", token, &first, group);
  for (std::size_t from = kAtOnce; from < plan.members.size(); from += kAtOnce) {
    v1::GroupMembersRequest more;
    for (std::size_t i = from; i < std::min(from + kAtOnce, plan.members.size()); ++i)
      more.add_user_ids(people[plan.members[i]].user);
    http_call(options, "POST", fmt::format("/v1/groups/{}/members", group.group_id()), token, &more,
              group);
  }
  return group.conversation_id();
}

std::vector<GroupPlan> of_file(const Options& options, const std::vector<Account>& people) {
  std::map<std::string, GroupPlan> found;
  for (std::size_t i = 0; i < people.size(); ++i)
    for (const std::string& name : people[i].groups) {
      found[name].conversation = name;
      found[name].members.push_back(i);
    }
  std::vector<GroupPlan> plans;
  for (auto& [name, plan] : found) {
    const std::size_t members = plan.members.size();
    plan.posters = options.group_posters == 0 ? members : std::min(members, options.group_posters);
    if (members > 1) plans.push_back(std::move(plan));
  }
  if (plans.empty())
    throw std::runtime_error(fmt::format(
        "{} names no group with two of these people: make some by parleyd seed --groups",
        options.tokens));
  return plans;
}

}  // namespace

std::vector<GroupPlan> gather_groups(const Options& options, const std::vector<Account>& people,
                                     std::size_t process, std::uint64_t run) {
  if (options.groups_of_file) return of_file(options, people);
  auto plans = make_groups(people.size(), part_of(options.groups, options.processes, process),
                           options.group_members, options.group_posters);
  for (std::size_t i = 0; i < plans.size(); ++i)
    plans[i].conversation =
        create(options, people, plans[i], fmt::format("{:x}-{}-{}", run, process, i));
  return plans;
}

v1::Receipts receipts_of(const Options& options, const Account& asker,
                         const std::string& conversation, std::uint64_t seq) {
  v1::Receipts receipts;
  http_call(options, "GET", fmt::format("/v1/conversations/{}/receipts?seq={}", conversation, seq),
            asker.tokens.front().text, nullptr, receipts);
  return receipts;
}

}  // namespace parley::load
