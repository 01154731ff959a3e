// What the server says.
#include <algorithm>
#include <fmt/format.h>

#include "traffic_impl.h"

namespace parley::load {

std::optional<ConversationIndex> Traffic::find(std::string_view conversation) const {
  const auto found = by_name_.find(conversation);
  if (found == by_name_.end()) return std::nullopt;
  return found->second;
}

std::optional<ConversationIndex> Traffic::find_own(const Client& client,
                                                   std::string_view conversation) {
  const auto found = find(conversation);
  if (!found || member_of(client, *found) < talks_[*found].size) return found;
  result_.faults.add(FaultKind::foreign, fmt::format("user {} is told of {}, and is not in it",
                                                     accounts_[client.user].user, conversation));
  return std::nullopt;
}

MemberIndex Traffic::member_of(const Client& client, ConversationIndex conversation) const {
  const Talk& talk = talks_[conversation];
  if (!talk.group) return members_[talk.first] == client.user ? 0 : 1;
  for (const auto& [group, member] : users_[client.user].groups)
    if (group == conversation) return member;
  return talk.size;  // none
}

LogIndex Traffic::log_of(const Client& client, ConversationIndex conversation) const {
  const std::size_t place = talks_[conversation].first + member_of(client, conversation);
  return static_cast<LogIndex>(place * options_.devices + client.session.number % options_.devices);
}

void Traffic::on_frame(Session& session, const v1::ServerFrame& frame) {
  Client& client = *clients_[session.number];
  if (!client.begun) return on_first_backlog(client, frame);
  switch (frame.event_case()) {
    case v1::ServerFrame::kEntry:
      return on_entry(client, frame.entry());
    case v1::ServerFrame::kReceipt:
      return on_marks(client, frame.receipt().conversation_id(), frame.receipt().user_id(),
                      frame.receipt().delivered());
    case v1::ServerFrame::kConversation:
      for (const auto& other : frame.conversation().others())
        on_marks(client, frame.conversation().conversation_id(), other.user_id(),
                 other.delivered());
      if (proof_) on_view(client, frame.conversation());
      return;
    case v1::ServerFrame::kTyping:
      return on_typing(client, frame.typing());
    case v1::ServerFrame::kPresence:
      return on_presence(client, frame.re(), frame.presence());
    case v1::ServerFrame::kGap:
      return on_gap(client, frame.gap());
    case v1::ServerFrame::kBacklogEnd:
      if (proof_) on_views_end(client);
      return;
    case v1::ServerFrame::kResult:
      return on_result(client, frame.re(), frame.result());
    case v1::ServerFrame::kError:
      return on_error(client, frame.re(), frame.error());
    default:
      return;
  }
}

void Traffic::on_first_backlog(Client& client, const v1::ServerFrame& frame) {
  // What was there before the run is not judged, but the server must know that it has arrived.
  const auto raise = [&](const std::string& name, std::uint64_t seq) {
    auto& head = client.first_heads[name];
    head.seq = std::max(head.seq, seq);
  };
  if (frame.has_entry()) raise(frame.entry().conversation_id(), frame.entry().seq());
  if (frame.has_gap()) raise(frame.gap().conversation_id(), frame.gap().to());
  if (!frame.has_conversation()) return;
  raise(frame.conversation().conversation_id(), frame.conversation().head());
  client.first_heads[frame.conversation().conversation_id()].delivered =
      frame.conversation().delivered();
  if (const auto conversation = find_own(client, frame.conversation().conversation_id()))
    checker_.began_unread(*conversation, member_of(client, *conversation),
                          frame.conversation().unread());
}

void Traffic::on_entry(Client& client, const v1::Entry& entry) {
  // Nearly every entry is one of ours, whose id says where it belongs.
  const auto send = checker_.ids().find(entry.client_message_id());
  std::optional<ConversationIndex> conversation;
  if (send && *send < checker_.send_count() &&
      names_[checker_.send(*send).conversation] == entry.conversation_id())
    conversation = checker_.send(*send).conversation;
  if (!conversation || talks_[*conversation].group)
    conversation = find_own(client, entry.conversation_id());
  if (!conversation) return;
  const LogIndex log = log_of(client, *conversation);
  const MemberIndex member = member_of(client, *conversation);
  const bool group = talks_[*conversation].group;
  const bool own = send && member == checker_.send(*send).member;
  const std::uint64_t held = checker_.held_up_to(log);
  if (!checker_.received(log, entry)) {
    // In a group the connection that sent it gets it as well.
    if (own && group) return;
    ++result_[Counter::repeats];
    // It is handed over again because the server does not know that it has arrived.
    if (entry.seq() <= held) {
      delivered_sent_[log] = std::min(delivered_sent_[log], entry.seq() - 1);
      mark_dirty(client, log);
    }
    return;
  }
  if (checker_.held_up_to(log) > held) {
    mark_dirty(client, log);
  } else if (!hole_known_[log]) {
    hole_known_[log] = true;
    holes_.push_back({log, client.session.number, turn_now_});
  }
  if (!send || own) return;
  // Sending moves the sender's own marks, so the other one's entry says what he or she has.
  if (!group) checker_.delivered_seen(*conversation, member, entry.seq());
  const Nanos arrival = now();
  const SendRecord& record = checker_.send(*send);
  if (measuring_ && arrival >= measure_from_) ++result_[Counter::delivered_in_time];
  if (record.intended >= measure_from_ && record.intended < measure_to_)
    result_.delivery.record(arrival - record.intended);
  if (group || options_.until_everywhere) came_to_one_more(*send, arrival);
}

void Traffic::came_to_one_more(SendIndex send, Nanos arrival) {
  if (copies_.size() <= send) copies_.resize(checker_.send_count());
  const SendRecord& record = checker_.send(send);
  ++copies_[send];
  if (!is_everywhere(send)) return;
  if (record.intended >= measure_from_ && record.intended < measure_to_)
    result_.everywhere.record(arrival - record.intended);
  if (options_.until_everywhere && record.acknowledged != 0) done_with(send);
}

bool Traffic::is_everywhere(SendIndex send) const {
  const std::size_t others = (talks_[checker_.send(send).conversation].size - 1) * options_.devices;
  return send < copies_.size() && copies_[send] == others;
}

void Traffic::on_sent(Client& client, SendIndex send, const v1::Sent& sent) {
  const Nanos arrival = now();
  const SendRecord& record = checker_.send(send);
  const LogIndex log = log_of(client, record.conversation);
  const std::uint64_t held = checker_.held_up_to(log);
  if (!checker_.acknowledged(send, log, sent, arrival)) return;
  // Entries of others that came before it are held now as well.
  if (checker_.held_up_to(log) > sent.seq()) mark_dirty(client, log);
  if (checker_.held_up_to(log) == held && checker_.highest(log) > held && !hole_known_[log]) {
    hole_known_[log] = true;
    holes_.push_back({log, client.session.number, turn_now_});
  }
  ++result_[Counter::acknowledged];
  if (talks_[record.conversation].group) ++result_[Counter::group_sends];
  if (measuring_) ++result_[Counter::acknowledged_in_time];
  if (record.intended >= measure_from_ && record.intended < measure_to_)
    result_.acknowledgement.record(arrival - record.intended);
  answered(client, send);
}

void Traffic::on_marks(Client& client, std::string_view name, std::uint64_t user,
                       std::uint64_t delivered) {
  const auto conversation = find_own(client, name);
  if (!conversation || user == accounts_[client.user].user) return;
  if (talks_[*conversation].group) {
    ++result_[Counter::group_receipts];
    return;
  }
  const MemberIndex member = member_of(client, *conversation);
  const std::uint64_t before = checker_.delivered_known(*conversation, member);
  if (delivered <= before) return;
  checker_.delivered_seen(*conversation, member, delivered);
  if (measuring_) result_[Counter::confirmed_in_time] += delivered - before;
}

void Traffic::on_gap(Client& client, const v1::Gap& gap) {
  const auto conversation = find_own(client, gap.conversation_id());
  if (!conversation || gap.from() == 0) return;
  if (proof_ && proof_->views_wanted[client.session.number]) return;  // it has all that
  ++result_[Counter::gaps_fetched];
  fetch(client, log_of(client, *conversation), gap.from() - 1, gap.to());
}

void Traffic::on_read_done(Client& client) {
  if (!client.reading) return;
  const auto [conversation, seq] = *client.reading;
  checker_.read_confirmed(conversation, member_of(client, conversation), seq);
  client.reading.reset();
  --reads_flying_;
  ++result_[Counter::reads];
}

void Traffic::on_result(Client& client, std::uint64_t re, const v1::Result& result) {
  const auto which = static_cast<std::size_t>((re >> kRequestBits) - 1);
  switch (static_cast<Request>(re & ((1U << kRequestBits) - 1))) {
    case Request::send:
      if (result.has_sent() && which < checker_.send_count())
        on_sent(client, static_cast<SendIndex>(which), result.sent());
      return;
    case Request::read:
      return on_read_done(client);
    case Request::fetch:
      if (which < fetches_.size()) took_history(which, result.history());
      return;
    case Request::proof:
      return on_proof_history(client, which, result.history());
    case Request::watch:
      return on_watched(client);
    default:
      return;
  }
}

void Traffic::on_error(Client& client, std::uint64_t re, const v1::Error& error) {
  const auto which = static_cast<std::size_t>((re >> kRequestBits) - 1);
  const auto kind = static_cast<Request>(re & ((1U << kRequestBits) - 1));
  ++result_.errors[error.code()];
  const bool ours = re >= (1U << kRequestBits);
  if (ours && kind == Request::send) ++result_[Counter::sends_refused];
  if (ours && kind == Request::proof && error.code() == "not_found") {
    // A conversation begins with its first entry: here none was stored.
    return on_proof_history(client, which, v1::History());
  }
  if (!error.retryable()) {
    result_.faults.add(FaultKind::refused,
                       fmt::format("user {}, request {:x}: {}: {} {}", accounts_[client.user].user,
                                   re, error.code(), error.message(), error.field()));
    if (ours && kind == Request::send && which < checker_.send_count()) {
      checker_.refused(static_cast<SendIndex>(which));
      answered(client, static_cast<SendIndex>(which));
    }
    return;
  }
  ++result_[Counter::retryable_errors];
  if (!ours) return;
  const Nanos wait = std::max<Nanos>(error.retry_after_ms(), 20) * 1'000'000;
  client.retry_at = std::max(client.retry_at, turn_now_ + wait);
  if (kind == Request::send) client.retry.push_back(static_cast<SendIndex>(which));
  if (kind == Request::fetch) client.retry_fetches.push_back(which);
  if (kind == Request::proof) client.retry_jobs.push_back(which);
  if (kind == Request::read) client.retry_read = true;
  if (kind == Request::views) client.retry_views = true;
  if (kind == Request::watch) {
    on_watched(client);
    client.retry_watch = true;
  }
  if (!std::exchange(client.has_retries, true)) retrying_.push_back(client.session.number);
}

}  // namespace parley::load
