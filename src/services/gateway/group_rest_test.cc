#include <google/protobuf/util/json_util.h>

#include "domain/group_rules.h"
#include "net/testing/client.h"
#include "services/gateway/testing/fixture.h"

namespace parley::gateway::testing {
namespace {
using What = GroupChange::What;

class GroupRest : public GatewayTest {
 protected:
  /// Group 913: user 1, who owns it, 2 and 3.
  GroupRest() { groups_.add(GroupId(913), {1, 2, 3}); }

  parley::testing::Http call(const std::string& method, const std::string& target,
                             const std::string& body = "", std::uint64_t user = 1) {
    return parley::testing::http(port_, method, target, body, user ? token(user) : "");
  }
  template <class T>
  T ok(const parley::testing::Http& answer, unsigned status = 200) {
    EXPECT_EQ(answer.status, status) << answer.body;
    T out;
    EXPECT_TRUE(google::protobuf::util::JsonStringToMessage(answer.body, &out).ok()) << answer.body;
    return out;
  }
  /// `STATUS code field`.
  std::string fault(const parley::testing::Http& answer) {
    const auto error = ok<v1::ErrorAnswer>(answer, answer.status).error();
    EXPECT_FALSE(error.message().empty());
    return std::to_string(answer.status) + " " + error.code() + " " + error.field();
  }
  static std::string list(std::size_t count) {
    std::string out;
    for (std::size_t i = 1; i <= count; ++i) out += (i > 1 ? "," : "") + std::to_string(i);
    return out;
  }
  /// What the group service was asked for last, and by whom.
  void expect_asked(std::uint64_t actor, What what, std::vector<std::uint64_t> users,
                    const std::string& text = "", Role role = Role::member) {
    ASSERT_FALSE(groups_.changes().empty());
    const auto [by, change] = groups_.changes().back();
    EXPECT_EQ(by, UserId(actor));
    EXPECT_EQ(change.what, what);
    EXPECT_EQ(change.text, text);
    EXPECT_EQ(change.role, role);
    std::vector<std::uint64_t> ids;
    for (const auto user : change.users) ids.push_back(user.value);
    EXPECT_EQ(ids, users);
  }
};

TEST_F(GroupRest, AGroupIsMadeWithItsFirstMembers) {
  start();
  const std::string body =
      R"({"request_id":"r-1","title":"Sailing","picture":"asset-9","members":["42",7,"42"]})";
  const auto answer = call("POST", "/v1/groups", body);
  const auto group = ok<v1::Group>(answer, 201);
  EXPECT_EQ(group.group_id(), 900);
  EXPECT_EQ(group.conversation_id(), "g:900");
  EXPECT_EQ(group.title(), "Sailing");
  EXPECT_EQ(group.picture(), "asset-9");
  EXPECT_EQ(group.owner(), 1);
  EXPECT_EQ(group.version(), 1);
  EXPECT_EQ(group.created_ms(), 1'000);
  EXPECT_EQ(group.members(), 3);
  EXPECT_EQ(group.role(), v1::ROLE_OWNER);
  EXPECT_NE(answer.body.find(R"("role":"ROLE_OWNER")"), std::string::npos) << answer.body;
  const auto asked = groups_.created().at(0);
  EXPECT_EQ(asked.owner, UserId(1));
  EXPECT_EQ(asked.request, "r-1");
  EXPECT_EQ(asked.title, "Sailing");
  EXPECT_EQ(asked.picture, "asset-9");
  EXPECT_EQ(asked.members, (std::vector{UserId(7), UserId(42)})) << "each once";
}

TEST_F(GroupRest, WhatIsWrongWithANewGroupIsNamed) {
  start();
  const auto make = [&](const std::string& body) {
    return fault(call("POST", "/v1/groups", body));
  };
  EXPECT_EQ(make(R"({"members":["1","0"]})"), "400 invalid_argument members[1]");
  EXPECT_EQ(make("{\"members\":[" + list(256) + "]}"), "413 too_large members");
  EXPECT_EQ(make("{\"request_id\":\"" + std::string(65, 'x') + "\"}"),
            "400 invalid_argument request_id");
  EXPECT_EQ(make(R"({"members":"7"})"), "400 malformed members");
  EXPECT_TRUE(groups_.created().empty());
  EXPECT_EQ(call("POST", "/v1/groups", "{\"members\":[" + list(255) + "]}").status, 201);
  groups_.fail_with(Error{Code::invalid_argument, "a group has a title", "title"});
  EXPECT_EQ(make("{}"), "400 invalid_argument title");
}

TEST_F(GroupRest, GroupsAndMembersComeInPages) {
  settings_.limits.groups_page = 2;
  settings_.limits.group_members_page = 2;
  groups_.add(GroupId(914), {1});
  groups_.add(GroupId(915), {2});
  groups_.add(GroupId(916), {2, 1});
  start();
  const auto first = ok<v1::Groups>(call("GET", "/v1/groups"));
  ASSERT_EQ(first.groups_size(), 2);
  EXPECT_EQ(first.groups(1).group_id(), 914);
  EXPECT_EQ(first.next(), 914);
  const auto rest = ok<v1::Groups>(call("GET", "/v1/groups?after=914"));
  ASSERT_EQ(rest.groups_size(), 1) << "and none that the asker is not in";
  EXPECT_EQ(rest.groups(0).group_id(), 916);
  EXPECT_EQ(rest.groups(0).role(), v1::ROLE_MEMBER);
  EXPECT_EQ(rest.next(), 0);
  EXPECT_EQ(ok<v1::Groups>(call("GET", "/v1/groups?limit=1")).groups_size(), 1);
  EXPECT_EQ(fault(call("GET", "/v1/groups?limit=3")), "400 invalid_argument limit");
  EXPECT_EQ(fault(call("GET", "/v1/groups?after=x")), "400 invalid_argument after");

  const auto members = ok<v1::GroupMembers>(call("GET", "/v1/groups/913/members"));
  ASSERT_EQ(members.members_size(), 2);
  EXPECT_EQ(members.members(0).user_id(), 1);
  EXPECT_EQ(members.members(0).role(), v1::ROLE_OWNER);
  EXPECT_EQ(members.members(0).since_ms(), 1'000);
  EXPECT_EQ(members.next(), 2);
  const auto last = ok<v1::GroupMembers>(call("GET", "/v1/groups/913/members?after=2"));
  ASSERT_EQ(last.members_size(), 1);
  EXPECT_EQ(last.next(), 0);
  EXPECT_EQ(fault(call("GET", "/v1/groups/913/members?limit=3")), "400 invalid_argument limit");
  EXPECT_EQ(fault(call("GET", "/v1/groups/913/members", "", 4)), "404 not_found group_id");
}

TEST_F(GroupRest, EveryChangeIsAskedOfTheGroupServiceByItsActor) {
  start();
  const std::string path = "/v1/groups/913";
  EXPECT_EQ(ok<v1::Group>(call("GET", path, "", 2)).role(), v1::ROLE_MEMBER);
  EXPECT_EQ(ok<v1::Group>(call("PATCH", path, R"({"title":"Rowing"})")).group_id(), 913);
  expect_asked(1, What::title, {}, "Rowing");
  ok<v1::Group>(call("PATCH", path, R"({"picture":""})"));
  expect_asked(1, What::picture, {}, "");
  ok<v1::Group>(call("POST", path + "/members", R"({"user_ids":["9","8"]})"));
  expect_asked(1, What::added, {8, 9});
  ok<v1::Group>(call("DELETE", path + "/members/3"));
  expect_asked(1, What::removed, {3});
  ok<v1::Group>(call("POST", path + "/leave", "", 2));
  expect_asked(2, What::left, {2});
  ok<v1::Group>(call("POST", path + "/leave", "{}", 2));
  ok<v1::Group>(call("PUT", path + "/members/3/role", R"({"role":"ROLE_ADMIN"})"));
  expect_asked(1, What::role, {3}, "", Role::admin);
  ok<v1::Group>(call("PUT", path + "/members/3/role", R"({"role":1})"));
  expect_asked(1, What::role, {3}, "", Role::member);
  ok<v1::Group>(call("PUT", path + "/owner", R"({"user_id":"2"})"));
  expect_asked(1, What::owner, {2});
  ok<v1::Group>(call("DELETE", path));
  expect_asked(1, What::dissolved, {});
  EXPECT_EQ(groups_.changes().size(), 10);
}

TEST_F(GroupRest, WhatIsWrongWithAChangeIsNamed) {
  start();
  const std::string path = "/v1/groups/913";
  EXPECT_EQ(fault(call("PATCH", path, "{}")), "400 invalid_argument title");
  EXPECT_EQ(fault(call("PATCH", path, R"({"title":"a","picture":"b"})")),
            "400 invalid_argument picture");
  EXPECT_EQ(fault(call("POST", path + "/members", "{}")), "400 invalid_argument user_ids");
  EXPECT_EQ(fault(call("POST", path + "/members", R"({"user_ids":[0]})")),
            "400 invalid_argument user_ids[0]");
  EXPECT_EQ(fault(call("POST", path + "/members", "{\"user_ids\":[" + list(257) + "]}")),
            "413 too_large user_ids");
  EXPECT_EQ(fault(call("DELETE", path + "/members/bob")), "400 invalid_argument user_id");
  EXPECT_EQ(fault(call("PUT", path + "/members/3/role", "{}")), "400 invalid_argument role");
  EXPECT_EQ(fault(call("PUT", path + "/members/3/role", R"({"role":"admin"})")),
            "400 malformed role");
  EXPECT_EQ(fault(call("PUT", path + "/members/3/role", R"({"role":9})")),
            "400 invalid_argument role");
  EXPECT_EQ(fault(call("PUT", path + "/members/3/role", R"({"role":"ROLE_OWNER"})")),
            "400 invalid_argument role");
  EXPECT_EQ(fault(call("PUT", path + "/owner", "{}")), "400 invalid_argument user_id");
  EXPECT_EQ(fault(call("PUT", path + "/owner", "{")), "400 malformed ");
  EXPECT_EQ(fault(call("GET", "/v1/groups/all")), "400 invalid_argument group_id");
  EXPECT_TRUE(groups_.changes().empty()) << "nothing at fault came through";
  EXPECT_EQ(call("POST", path + "/members", "{\"user_ids\":[" + list(256) + "]}").status, 200);
}

TEST_F(GroupRest, AGroupOfOthersLooksLikeNoneAndErrorsKeepTheirNames) {
  start();
  for (const auto* path : {"/v1/groups/913", "/v1/groups/4"}) {
    EXPECT_EQ(fault(call("GET", path, "", 4)), "404 not_found group_id");
    EXPECT_EQ(fault(call("DELETE", path, "", 4)), "404 not_found group_id");
    EXPECT_EQ(fault(call("PATCH", path, R"({"title":"x"})", 4)), "404 not_found group_id");
    EXPECT_EQ(fault(call("POST", std::string(path) + "/leave", "", 4)), "404 not_found group_id");
  }
  for (const auto& [code, said] :
       {std::pair{Code::forbidden, "403 forbidden "},
        std::pair{Code::already_exists, "409 already_exists "},
        std::pair{Code::too_large, "413 too_large "}, std::pair{Code::gone, "410 gone "},
        std::pair{Code::unavailable, "503 unavailable "},
        std::pair{Code::storage_full, "507 storage_full "}}) {
    groups_.fail_with(Error{code, "no"});
    EXPECT_EQ(fault(call("POST", "/v1/groups/913/members", R"({"user_ids":["2"]})")), said);
    EXPECT_EQ(fault(call("PUT", "/v1/groups/913/owner", R"({"user_id":"2"})")), said);
  }
}

TEST_F(GroupRest, AMethodNeedsNoBodyAndMayHaveOneThatCountsForNothing) {
  start();
  const auto raw = [&](const std::string& line, const std::string& rest) {
    net::testing::Client client(port_);
    client.write(line + " HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + token(1) + "\r\n" +
                 rest);
    return client.read_response().substr(0, 13);
  };
  EXPECT_EQ(raw("DELETE /v1/groups/913", "\r\n"), "HTTP/1.1 200 ");
  EXPECT_EQ(raw("DELETE /v1/groups/913", "Content-Length: 2\r\n\r\n{}"), "HTTP/1.1 200 ");
  EXPECT_EQ(raw("POST /v1/groups/913/leave", "\r\n"), "HTTP/1.1 200 ");
  EXPECT_EQ(raw("PUT /v1/groups/913/owner", "\r\n"), "HTTP/1.1 400 ");
  EXPECT_EQ(raw("PATCH /v1/groups/913", "\r\n"), "HTTP/1.1 400 ");
  EXPECT_EQ(raw("PUT /v1/groups/913/owner",
                "Transfer-Encoding: chunked\r\n\r\nd\r\n{\"user_id\":2}\r\n0\r\n\r\n"),
            "HTTP/1.1 200 ");
}

TEST_F(GroupRest, HowFarTheMembersAre) {
  messages_.add_group(913, {1, 2, 3});
  const auto where = ConversationId::group(913);
  for (int i = 0; i < 3; ++i) messages_.append(where, UserId(1), "x");
  start();
  EXPECT_EQ(call("POST", "/v1/conversations/g:913/read", R"({"seq":"3"})", 2).status, 200);
  auto carol = client(3);
  v1::ClientFrame ack;
  auto& mark = *ack.mutable_ack()->add_marks();
  mark.set_conversation_id("g:913");
  mark.set_seq(2);
  carol->send({ack});
  EXPECT_TRUE(carol->request(ping(0)).has_pong());
  const std::string path = "/v1/conversations/g:913/receipts";
  const auto receipts = ok<v1::Receipts>(call("GET", path + "?seq=2"));
  EXPECT_EQ(receipts.conversation_id(), "g:913");
  EXPECT_EQ(receipts.seq(), 2);
  EXPECT_EQ(receipts.members(), 2);
  EXPECT_EQ(receipts.delivered(), 2);
  EXPECT_EQ(receipts.read(), 1);
  ASSERT_EQ(receipts.each_size(), 2);
  EXPECT_EQ(receipts.each(0).user_id(), 2);
  EXPECT_EQ(receipts.each(0).read(), 3);
  EXPECT_EQ(receipts.each(1).delivered(), 2);
  EXPECT_EQ(fault(call("GET", path)), "400 invalid_argument seq");
  EXPECT_EQ(fault(call("GET", path + "?seq=x")), "400 invalid_argument seq");
  EXPECT_EQ(fault(call("GET", path + "?seq=2", "", 4)), "404 not_found conversation_id");
  EXPECT_EQ(fault(call("GET", "/v1/conversations/d:2:3/receipts?seq=1")),
            "404 not_found conversation_id");
}

TEST_F(GroupRest, WhoIsOnlineIsToldOfThoseWhoMayBeSeen) {
  settings_.limits.presence_users = 4;
  messages_.append(direct_id(1, 2), UserId(1), "hello");
  presence_.set(2, true, 2'000);
  presence_.set(5, true, 5'000);
  start();
  const auto seen = ok<v1::PresenceAnswer>(call("GET", "/v1/presence?user_ids=5,2,2"));
  ASSERT_EQ(seen.users_size(), 2);
  EXPECT_EQ(seen.users(0).user_id(), 2);
  EXPECT_TRUE(seen.users(0).online());
  EXPECT_EQ(seen.users(0).last_seen_ms(), 2'000);
  EXPECT_EQ(seen.users(1).user_id(), 5);
  EXPECT_FALSE(seen.users(1).online());
  EXPECT_EQ(seen.users(1).last_seen_ms(), 0);
  EXPECT_EQ(fault(call("GET", "/v1/presence")), "400 invalid_argument user_ids");
  EXPECT_EQ(fault(call("GET", "/v1/presence?user_ids=1,x")), "400 invalid_argument user_ids");
  EXPECT_EQ(fault(call("GET", "/v1/presence?user_ids=1,0")), "400 invalid_argument user_ids[1]");
  EXPECT_EQ(fault(call("GET", "/v1/presence?user_ids=1,2,3,4,5")), "413 too_large user_ids");
  presence_.fail_with(Error{Code::unavailable, "away"});
  EXPECT_EQ(fault(call("GET", "/v1/presence?user_ids=2")), "503 unavailable ");
  EXPECT_EQ(presence_.watches(), 0);
}

TEST_F(GroupRest, WithoutATokenNothingIsTold) {
  start();
  for (const auto& [method, path] :
       {std::pair{"GET", "/v1/groups"}, std::pair{"POST", "/v1/groups"},
        std::pair{"GET", "/v1/groups/913"}, std::pair{"PATCH", "/v1/groups/913"},
        std::pair{"DELETE", "/v1/groups/913"}, std::pair{"GET", "/v1/groups/913/members"},
        std::pair{"POST", "/v1/groups/913/members"},
        std::pair{"DELETE", "/v1/groups/913/members/2"},
        std::pair{"PUT", "/v1/groups/913/members/2/role"},
        std::pair{"POST", "/v1/groups/913/leave"}, std::pair{"PUT", "/v1/groups/913/owner"},
        std::pair{"GET", "/v1/conversations/g:913/receipts"}, std::pair{"GET", "/v1/presence"}})
    EXPECT_EQ(fault(call(method, path, "", 0)), "401 unauthenticated ") << method << path;
}

}  // namespace
}  // namespace parley::gateway::testing
