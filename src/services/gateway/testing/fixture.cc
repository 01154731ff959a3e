#include "services/gateway/testing/fixture.h"

#include <future>

namespace parley::gateway::testing {

Services GatewayTest::services() {
  return {
      messages_,  auth_,
      users_,     sessions_,
      groups_,    presence_,
      discovery_, [this](GatewayId id) {
            return id == GatewayId(1) ? gateway_.get() : nullptr; }};
}

void GatewayTest::start() {
  gateway_ = std::make_unique<Gateway>(loops_, *clock_, settings_, services(), TicketKey{1},
                                       metrics_, GatewayId(1));
  const auto port = gateway_->listen("127.0.0.1", 0);
  ASSERT_TRUE(port) << port.error().message;
  port_ = *port;
  loops_.start();
}

void GatewayTest::stop() {
  if (!gateway_) return;
  messages_.release_answers();
  std::promise<void> drained;
  gateway_->drain(std::chrono::seconds(10), [&] { drained.set_value(); });
  EXPECT_EQ(drained.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  loops_.stop();
  gateway_.reset();
}

std::unique_ptr<Client> GatewayTest::client(std::uint64_t user, Wire wire, std::uint64_t device,
                                            const std::string& cursor) {
  auto made = std::make_unique<Client>(port_, wire);
  EXPECT_EQ(made->hello(token(user, device), cursor).user_id(), user);
  return made;
}

void GatewayTest::deliver(EntryPtr entry, std::vector<std::uint64_t> recipients, Origin origin) {
  Delivery delivery{std::move(entry), {}, origin};
  for (const auto user : recipients) delivery.recipients.emplace_back(user);
  gateway_->deliver({std::move(delivery)});
}

void GatewayTest::eventually(const std::function<bool()>& condition) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (!condition()) {
    ASSERT_LT(std::chrono::steady_clock::now(), deadline) << "nothing changed for 30 s";
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

v1::ClientFrame GatewayTest::send(std::uint64_t id, const std::string& conversation,
                                  const std::string& text) {
  v1::ClientFrame frame;
  frame.set_id(id);
  frame.mutable_send()->set_conversation_id(conversation);
  frame.mutable_send()->set_client_message_id("key-" + std::to_string(id));
  frame.mutable_send()->mutable_body()->set_text(text);
  return frame;
}

std::int64_t GatewayTest::metric(const std::string& name) const {
  const auto text = metrics_.text();
  const auto at = text.find("\n" + name + " ");
  if (at == std::string::npos) return -1;
  return std::stoll(text.substr(at + name.size() + 2));
}

std::string code_of(const v1::ServerFrame& frame) {
  return frame.has_error() ? frame.error().code() : "no error: " + frame.ShortDebugString();
}

}  // namespace parley::gateway::testing
