#include <gtest/gtest.h>

#include "net/testing/client.h"
#include "net/testing/server.h"

namespace parley::net {
namespace {

using namespace std::string_literals;
using testing::Client;
using testing::client_frame;
using testing::plain;
using testing::Server;
using testing::upgrade_request;

void expect_echo(Client& client, const std::string& text) {
  client.write(client_frame(Opcode::text, text));
  const auto frame = client.read_frame();
  EXPECT_EQ(frame.opcode, Opcode::text);
  EXPECT_EQ(frame.payload, text);
}

TEST(EdgeWebSocket, TakesAMessageThatCameWithTheUpgrade) {
  Server server({.subprotocols = {"a", "b"}});
  Client client(server.port());
  client.upgrade("b", client_frame(Opcode::binary, "early"));
  EXPECT_EQ(client.read_frame().payload, "early");
  EXPECT_TRUE(server.eventually([&] { return server.subprotocols() == std::vector{1U}; }));
}

TEST(EdgeWebSocket, EchoesMessagesOfEverySize) {
  Server server(plain({.max_message = 4 << 20, .output_limit = 16 << 20}));
  Client client(server.port());
  client.upgrade();
  for (const std::size_t size : {0, 1, 125, 126, 65535, 65536, 131072, 131080, 4 << 20})
    expect_echo(client, std::string(size, 'm'));
}

TEST(EdgeWebSocket, PutsAMessageTogetherThatIsCutAnywhere) {
  Server server(plain());
  const auto stream =
      client_frame(Opcode::text, "frag", false) + client_frame(Opcode::continuation, "mented");
  const auto request = upgrade_request();
  const auto all = request + stream;
  for (std::size_t cut = 1; cut < all.size(); ++cut) {
    Client client(server.port());
    const auto before = server.turns();
    client.write(all.substr(0, cut));
    ASSERT_TRUE(server.eventually([&] { return server.turns() > before; }));
    client.write(all.substr(cut));
    client.read_head();
    ASSERT_EQ(client.read_frame().payload, "fragmented") << "cut at " << cut;
  }
}

TEST(EdgeWebSocket, TakesOneByteAtATime) {
  Server server(plain());
  Client client(server.port());
  for (const char c : upgrade_request() + client_frame(Opcode::text, "slowly"))
    client.write({&c, 1});
  client.read_head();
  EXPECT_EQ(client.read_frame().payload, "slowly");
}

TEST(EdgeWebSocket, GarbageCostsOnlyItsSender) {
  Server server(plain());
  Client good(server.port()), bad(server.port());
  good.upgrade();
  bad.upgrade();
  bad.write("\xFF\xFE garbage");
  EXPECT_EQ(bad.read_frame().close_code(), 1002);
  EXPECT_TRUE(bad.at_end());
  bad.cut();
  ASSERT_TRUE(server.eventually([&] { return !server.closed().empty(); }));
  EXPECT_EQ(server.closed()[0].code, CloseCode::protocol_violation);
  expect_echo(good, "still here");
}

TEST(EdgeWebSocket, NamesWhyItCloses) {
  Server server(plain({.max_message = 100}));
  const std::vector<std::pair<std::string, int>> bad = {
      {client_frame(Opcode::binary, std::string(101, 'x')), 1009},
      {client_frame(Opcode::binary, std::string(60, 'x'), false) +
           client_frame(Opcode::continuation, std::string(60, 'x')),
       1009},
      {client_frame(Opcode::text, "\xFF"), 1007},
      {client_frame(Opcode::close, "\x03\xED"s), 1002},
      {client_frame(Opcode::close, "x"), 1002},
  };
  for (const auto& [bytes, code] : bad) {
    Client client(server.port());
    client.upgrade({}, bytes);
    EXPECT_EQ(client.read_frame().close_code(), code);
    EXPECT_TRUE(client.at_end());
  }
  EXPECT_TRUE(server.eventually([&] { return server.closed().size() == bad.size(); }));
  EXPECT_TRUE(server.messages().empty());
}

TEST(EdgeWebSocket, AnswersPings) {
  Server server(plain());
  Client client(server.port());
  client.upgrade({}, client_frame(Opcode::text, "a", false) +
                         client_frame(Opcode::ping, "payload") +
                         client_frame(Opcode::continuation, "b"));
  const auto pong = client.read_frame();
  EXPECT_EQ(pong.opcode, Opcode::pong);
  EXPECT_EQ(pong.payload, "payload");
  EXPECT_EQ(client.read_frame().payload, "ab");
}

TEST(EdgeWebSocket, AnswersTheClientsClose) {
  Server server(plain());
  Client client(server.port());
  client.upgrade({},
                 client_frame(Opcode::close, "\x0F\xA1 bye"s) + client_frame(Opcode::text, "x"));
  const auto frame = client.read_frame();
  EXPECT_EQ(frame.close_code(), 4001);
  EXPECT_TRUE(client.at_end());

  Client silent(server.port());
  silent.upgrade({}, client_frame(Opcode::close, ""));
  EXPECT_EQ(silent.read_frame().payload, "");

  ASSERT_TRUE(server.eventually([&] { return server.closed().size() == 2; }));
  EXPECT_EQ(server.closed()[0].code, CloseCode{4001});
  EXPECT_EQ(server.closed()[0].id, server.opened()[0]);
  EXPECT_EQ(server.closed()[1].code, kNoStatus);
  EXPECT_TRUE(server.messages().empty()) << "a message after the close frame";
}

TEST(EdgeWebSocket, ClosesOnRequestAfterWhatIsQueued) {
  Server server(plain());
  server.message = [&](ConnectionId id, bool, std::string_view) {
    server.edge().send(id, encode_message(false, "last words"));
    server.edge().close(id, CloseCode::signed_out, "you are signed out");
    EXPECT_EQ(server.edge().send(id, encode_message(false, "lost")), Edge::Sent::gone);
  };
  Client client(server.port());
  client.upgrade({}, client_frame(Opcode::text, "one") + client_frame(Opcode::text, "two"));
  EXPECT_EQ(client.read_frame().payload, "last words");
  const auto frame = client.read_frame();
  EXPECT_EQ(frame.close_code(), 4502);
  EXPECT_EQ(frame.payload.substr(2), "you are signed out");
  client.write(client_frame(Opcode::text, "three") + client_frame(Opcode::close, "\x11\x96"s));
  EXPECT_TRUE(client.at_end());
  ASSERT_TRUE(server.eventually([&] { return server.closed().size() == 1; }));
  EXPECT_EQ(server.closed()[0].code, CloseCode::signed_out);
  EXPECT_EQ(server.messages(), std::vector{"one"s}) << "no message after close()";
}

TEST(EdgeWebSocket, TellsThatAClientWasCutOff) {
  Server server(plain());
  Client client(server.port());
  client.upgrade();
  client.cut();
  ASSERT_TRUE(server.eventually([&] { return server.closed().size() == 1; }));
  EXPECT_EQ(server.closed()[0].code, kAbnormal);
}

TEST(EdgeWebSocket, RecognisesAStaleId) {
  Server server(plain());
  Client first(server.port());
  first.upgrade();
  ASSERT_TRUE(server.eventually([&] { return server.opened().size() == 1; }));
  const auto stale = server.opened()[0];
  server.on_loop([&] { server.edge().set_tag(stale, 42); });
  EXPECT_EQ(server.on_loop([&] { return server.edge().tag(stale); }), 42U);
  first.cut();
  ASSERT_TRUE(server.eventually([&] { return server.closed().size() == 1; }));

  Client second(server.port());
  second.upgrade();
  ASSERT_TRUE(server.eventually([&] { return server.opened().size() == 2; }));
  const auto fresh = server.opened()[1];
  EXPECT_EQ(static_cast<std::uint32_t>(stale.value), static_cast<std::uint32_t>(fresh.value))
      << "the slot is used again";
  EXPECT_NE(stale, fresh);
  server.on_loop([&] {
    auto& edge = server.edge();
    EXPECT_EQ(edge.send(stale, encode_message(false, "lost")), Edge::Sent::gone);
    edge.set_tag(stale, 7);
    edge.close(stale, CloseCode::policy, "");
    edge.pause(stale);
    edge.respond(stale, {});
    EXPECT_EQ(edge.tag(stale), 0U);
    EXPECT_EQ(edge.tag(fresh), 0U);
    EXPECT_EQ(edge.send(fresh, encode_message(false, "for you")), Edge::Sent::ok);
    EXPECT_EQ(edge.send(ConnectionId(), encode_message(false, "")), Edge::Sent::gone);
    EXPECT_EQ(edge.send(ConnectionId(~0ULL), encode_message(false, "")), Edge::Sent::gone);
  });
  EXPECT_EQ(second.read_frame().payload, "for you");
}

TEST(EdgeWebSocket, DoesNotDeliverWhilePaused) {
  Server server(plain());
  server.message = [&](ConnectionId id, bool, std::string_view text) {
    if (text.starts_with("stop")) server.edge().pause(id);
    server.edge().send(id, encode_message(false, text));
  };
  Client paused(server.port()), other(server.port());
  paused.upgrade();
  other.upgrade();
  paused.write(client_frame(Opcode::text, "1") + client_frame(Opcode::text, "stop 2") +
               client_frame(Opcode::text, "3") + client_frame(Opcode::text, "stop 4") +
               client_frame(Opcode::text, "5").substr(0, 4));
  EXPECT_EQ(paused.read_frame().payload, "1");
  EXPECT_EQ(paused.read_frame().payload, "stop 2");
  paused.write(client_frame(Opcode::text, "5").substr(4));
  for (int i = 0; i < 5; ++i) expect_echo(other, "goes on");
  const auto id = server.opened()[0];
  EXPECT_EQ(server.messages().size(), 2U + 5U);

  server.on_loop([&] { server.edge().resume(id); });
  EXPECT_EQ(paused.read_frame().payload, "3");
  EXPECT_EQ(paused.read_frame().payload, "stop 4");
  server.on_loop([&] {
    server.edge().resume(id);
    server.edge().pause(id);
    server.edge().resume(id);
  });
  EXPECT_EQ(paused.read_frame().payload, "5");
  paused.write(client_frame(Opcode::text, "6"));
  EXPECT_EQ(paused.read_frame().payload, "6");
}

TEST(EdgeWebSocket, ClosesAPausedConnectionToo) {
  Server server(plain());
  server.message = [&](ConnectionId id, bool, std::string_view) { server.edge().pause(id); };
  Client client(server.port());
  client.upgrade({}, client_frame(Opcode::text, "1") + client_frame(Opcode::text, "2") +
                         client_frame(Opcode::close, "\x03\xE8"s));
  ASSERT_TRUE(server.eventually([&] { return server.messages().size() == 1; }));
  server.on_loop([&] { server.edge().close(server.opened()[0], CloseCode::draining, "going"); });
  EXPECT_EQ(client.read_frame().close_code(), 4000);
  EXPECT_TRUE(client.at_end()) << "the client's close frame, behind the pause, was found";
  EXPECT_TRUE(server.eventually([&] { return server.closed().size() == 1; }));
}

TEST(EdgeWebSocket, ClosesASlowReaderWhileOthersGoOn) {
  Server server(plain({.output_high_water = 64 * 1024, .output_limit = 512 * 1024}));
  Client slow(server.port(), 4096), good(server.port());
  slow.upgrade();
  ASSERT_TRUE(server.eventually([&] { return server.opened().size() == 1; }));
  good.upgrade();
  const auto id = server.opened()[0];
  const auto frame = encode_message(false, std::string(32 * 1024, 's'));
  bool was_full = false;
  auto sent = Edge::Sent::ok;
  for (int i = 0; i < 10'000 && sent != Edge::Sent::gone; ++i) {
    sent = server.on_loop([&] { return server.edge().send(id, frame); });
    was_full |= sent == Edge::Sent::full;
  }
  EXPECT_EQ(sent, Edge::Sent::gone);
  EXPECT_TRUE(was_full);
  expect_echo(good, "goes on");

  // It reads at last: whole frames, and then why it was closed.
  for (;;) {
    const auto got = slow.read_frame();
    if (got.opcode == Opcode::close) {
      EXPECT_EQ(got.close_code(), 4008);
      break;
    }
    EXPECT_EQ(got.payload.size(), 32U * 1024);
  }
  EXPECT_TRUE(slow.at_end());
  slow.cut();
  ASSERT_TRUE(server.eventually([&] { return server.closed().size() == 1; }));
  EXPECT_EQ(server.closed()[0].code, CloseCode::slow_reader);
  EXPECT_EQ(server.closed()[0].id, id);
}

TEST(EdgeWebSocket, KeepsThePayloadThroughItsCallWhateverTheHandlerDoes) {
  Server server(plain({.output_limit = 1000}));
  std::string after;
  server.message = [&](ConnectionId id, bool, std::string_view payload) {
    EXPECT_EQ(server.edge().send(id, encode_message(false, std::string(2000, 'x'))),
              Edge::Sent::gone);
    after = payload;
  };
  Client client(server.port());
  client.upgrade();
  client.write(client_frame(Opcode::text, "frag", false));
  client.write(client_frame(Opcode::continuation, "ments") + client_frame(Opcode::text, "more"));
  EXPECT_EQ(client.read_frame().close_code(), 4008);
  EXPECT_TRUE(client.at_end());
  EXPECT_EQ(server.on_loop([&] { return after; }), "fragments");
  EXPECT_EQ(server.messages().size(), 1U);
}

TEST(EdgeWebSocket, TellsWhenTheOutputIsDrained) {
  Server server(plain({.output_high_water = 1024 * 1024, .output_limit = 64 * 1024 * 1024}));
  Client client(server.port(), 4096);
  client.upgrade();
  ASSERT_TRUE(server.eventually([&] { return server.opened().size() == 1; }));
  const auto id = server.opened()[0];
  const auto frame = encode_message(true, std::string(64 * 1024, 'x'));
  int sent = 1;
  while (server.on_loop([&] { return server.edge().send(id, frame); }) == Edge::Sent::ok) ++sent;
  for (int i = 0; i < sent; ++i) ASSERT_EQ(client.read_frame().payload.size(), 64U * 1024);
  EXPECT_TRUE(server.eventually([&] { return server.drained() == std::vector{id}; }));
  expect_echo(client, "and on");
}

TEST(EdgeWebSocket, SharesOneFrameBetweenConnections) {
  Server server(plain());
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 20; ++i) {
    clients.push_back(std::make_unique<Client>(server.port()));
    clients.back()->upgrade();
  }
  ASSERT_TRUE(server.eventually([&] { return server.opened().size() == 20; }));
  server.on_loop([&] {
    const auto frame = encode_message(false, "to all");
    for (const auto id : server.opened()) EXPECT_EQ(server.edge().send(id, frame), Edge::Sent::ok);
  });
  for (auto& client : clients) EXPECT_EQ(client->read_frame().payload, "to all");
}

TEST(EdgeWebSocket, ShutdownClosesAllAndSaysWhenItIsDone) {
  Server server(plain());
  Client socket(server.port()), idle(server.port()), waiting(server.port());
  server.http = [](ConnectionId, const HttpRequest&) {};
  socket.upgrade();
  waiting.write("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_TRUE(server.eventually([&] { return server.requests().size() == 1; }));
  while (server.on_loop([&] { return server.edge().connections(); }) < 3) {
  }
  std::promise<void> done;
  server.on_loop([&] {
    server.edge().shutdown(CloseCode::draining, "the server stops", [&] { done.set_value(); });
    server.edge().respond(server.requests()[0].first, {.body = "answered"});
  });
  EXPECT_EQ(socket.read_frame().close_code(), 4000);
  socket.write(client_frame(Opcode::close, "\x0F\xA0"s));
  EXPECT_TRUE(socket.at_end());
  EXPECT_TRUE(idle.at_end());
  EXPECT_TRUE(waiting.read_response().ends_with("answered"));
  EXPECT_TRUE(waiting.at_end());
  waiting.cut();
  EXPECT_EQ(done.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  EXPECT_EQ(server.on_loop([&] { return server.edge().connections(); }), 0U);
}

}  // namespace
}  // namespace parley::net
