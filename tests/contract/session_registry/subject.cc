#include "tests/contract/session_registry/subject.h"

#include <gtest/gtest.h>

namespace parley::test {
namespace {

template <class T>
struct Answer {
  std::promise<Result<T>> done;
  T so_far{};
};

void add(RegistryUnderTest::Where& where, const std::vector<UserSessions>& changed) {
  for (const auto& user : changed) {
    auto& gateways = where[user.user.value];
    gateways.clear();
    for (auto gateway : user.gateways) gateways.insert(gateway.value);
  }
}

}  // namespace

bool eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

Result<RegistryUnderTest::Where> RegistryUnderTest::update(std::uint64_t gateway,
                                                           const Changes& changes, bool report) {
  std::vector<Presence> presences;
  for (auto [user, online] : changes) presences.push_back({UserId(user), online});
  Answer<Where> answer;
  boost::asio::post(loops.at(0), [&] {
    registry().update(GatewayId(gateway), std::move(presences), report, [&](auto changed) {
      if (!changed) return answer.done.set_value(std::unexpected(changed.error()));
      add(answer.so_far, *changed);
      answer.done.set_value(std::move(answer.so_far));
    });
  });
  return answer.done.get_future().get();
}

Result<bool> RegistryUnderTest::heartbeat(std::uint64_t gateway) {
  std::promise<Result<bool>> answer;
  boost::asio::post(loops.at(0), [&] {
    registry().heartbeat(GatewayId(gateway),
                         [&](Result<bool> known) { answer.set_value(std::move(known)); });
  });
  return answer.get_future().get();
}

Result<RegistryUnderTest::Where> RegistryUnderTest::remove_gateway(std::uint64_t gateway,
                                                                   bool report) {
  Answer<Where> answer;
  boost::asio::post(loops.at(0), [&] {
    registry().remove_gateway(GatewayId(gateway), report, [&](auto changed) {
      if (!changed) return answer.done.set_value(std::unexpected(changed.error()));
      if (!changed->empty()) return add(answer.so_far, *changed);
      answer.done.set_value(std::move(answer.so_far));
    });
  });
  return answer.done.get_future().get();
}

Result<RegistryUnderTest::Where> RegistryUnderTest::find(const std::vector<std::uint64_t>& users) {
  Answer<Where> answer;
  boost::asio::post(loops.at(0), [&] {
    std::vector<UserId> ids(users.begin(), users.end());
    registry().find(ids, [&](Result<std::vector<Location>> rows) {
      if (!rows) return answer.done.set_value(std::unexpected(rows.error()));
      for (const auto& row : *rows) answer.so_far[row.user.value].insert(row.gateway.value);
      answer.done.set_value(std::move(answer.so_far));
    });
    ids.assign(ids.size(), UserId(0));  // whoever reads them later finds others
  });
  return answer.done.get_future().get();
}

RegistryUnderTest::Where RegistryUnderTest::found(const std::vector<std::uint64_t>& users) {
  Result<Where> result;
  if (!eventually([&] { return (result = find(users)).has_value(); }))
    ADD_FAILURE() << "nobody can be found: " << result.error().message;
  return result.value_or(Where());
}

}  // namespace parley::test
