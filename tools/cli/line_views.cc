#include "cli/line_views.h"

#include <boost/asio/co_spawn.hpp>
#include <fmt/format.h>

#include "cli/text.h"

namespace parley::cli {

void NamedEntries::push(v1::Entry entry) {
  waiting_.push_back(std::move(entry));
  if (std::exchange(draining_, true)) return;
  boost::asio::co_spawn(context_.io(), drain(), [](std::exception_ptr thrown) {
    if (thrown) std::rethrow_exception(thrown);
  });
}

Awaitable<void> NamedEntries::drain() {
  while (!waiting_.empty()) {
    const auto entry = std::move(waiting_.front());
    waiting_.pop_front();
    const auto who = co_await people_.name_of(entry.sender());
    const auto where = co_await people_.title_of(entry.conversation_id());
    sink_(entry, who, where, co_await people_.words_of(entry));
  }
  draining_ = false;
}

void JsonView::on_entry(const v1::Entry& entry) {
  v1::ServerFrame frame;
  *frame.mutable_entry() = entry;
  print_frame(frame);
}

void JsonView::on_skipped(const std::string& conversation, client::Range range) {
  v1::ServerFrame frame;
  frame.mutable_gap()->set_conversation_id(conversation);
  frame.mutable_gap()->set_from(range.from);
  frame.mutable_gap()->set_to(range.to);
  print_frame(frame);
}

void JsonView::on_sent(const client::OutboxItem& item, const v1::Sent& sent) {
  v1::ServerFrame frame;
  *frame.mutable_result()->mutable_sent() = sent;
  print_frame(frame);
}

void JsonView::on_send_failed(const client::OutboxItem& item, const Failure& failure) {
  remark(fmt::format("parley: not sent: {}", describe(failure)));
}

void JsonView::on_receipt(const v1::Receipt& receipt) {
  v1::ServerFrame frame;
  *frame.mutable_receipt() = receipt;
  print_frame(frame);
}

void JsonView::on_typing(const v1::TypingNotice& notice) {
  v1::ServerFrame frame;
  *frame.mutable_typing() = notice;
  print_frame(frame);
}

void JsonView::on_presence(const v1::PresenceNotice& notice) {
  v1::ServerFrame frame;
  *frame.mutable_presence() = notice;
  print_frame(frame);
}

void JsonView::on_link(const client::LinkState& link) { said_.tell(link); }

void LinkRemarks::tell(const client::LinkState& link) {
  if (!link.online && !offline_)
    remark(fmt::format("parley: not connected: {}; trying again", link.why));
  if (link.online && offline_) remark("parley: connected again");
  offline_ = !link.online;
}

std::string address(const v1::Entry& entry, const std::string& who, const std::string& where) {
  const bool group = entry.conversation_id().starts_with("g:");
  return group || (who == "you" && where != who) ? fmt::format("{} → {}", who, where) : who;
}

TextView::TextView(Context& context, People& people)
    : entries_(context, people,
               [](const v1::Entry& entry, const std::string& who, const std::string& where,
                  const std::string& text) {
                 print_line(fmt::format("{}  {}: {}", when(entry.time_ms()),
                                        address(entry, who, where), text));
               }) {}

void TextView::on_skipped(const std::string& conversation, client::Range range) {
  print_line(fmt::format("· {}: messages #{} to #{} are not available", conversation, range.from,
                         range.to));
}

void TextView::on_send_failed(const client::OutboxItem& item, const Failure& failure) {
  remark(fmt::format("parley: \"{}\" was not sent: {}", printable(item.text()), describe(failure)));
}

void TextView::on_link(const client::LinkState& link) { said_.tell(link); }

void Focus::on_entry(const v1::Entry& entry) {
  if (!covers(entry.conversation_id())) return;
  view_.on_entry(entry);
  shown_(entry.conversation_id(), entry.seq());
}

void Focus::on_skipped(const std::string& conversation, client::Range range) {
  if (!covers(conversation)) return;
  view_.on_skipped(conversation, range);
  shown_(conversation, range.to);
}

void Focus::on_sent(const client::OutboxItem& item, const v1::Sent& sent) {
  if (covers(item.conversation_id())) view_.on_sent(item, sent);
}

void Focus::on_send_failed(const client::OutboxItem& item, const Failure& failure) {
  refused_ = failure;
  view_.on_send_failed(item, failure);
}

void Focus::on_receipt(const v1::Receipt& receipt) {
  if (covers(receipt.conversation_id())) view_.on_receipt(receipt);
}

}  // namespace parley::cli
