#include "cli/desk/model.h"

#include <algorithm>
#include <fmt/format.h>

#include "cli/text.h"

namespace parley::cli::desk {
namespace {

/// So much of a long talk stays in memory, on the side that is looked at.
constexpr std::size_t kMostMessages = 1000;

/// As a search compares: ASCII letters in lower case.
std::string folded(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string one_line(std::string text) {
  std::ranges::replace(text, '\n', ' ');
  return text;
}

}  // namespace

Talk* Model::find(const std::string& id) {
  const auto found = talks_.find(id);
  return found == talks_.end() ? nullptr : &found->second;
}
const Talk* Model::find(const std::string& id) const {
  const auto found = talks_.find(id);
  return found == talks_.end() ? nullptr : &found->second;
}

std::vector<const Talk*> Model::listed() const {
  std::vector<const Talk*> all;
  const auto wanted = folded(filter_);
  for (const auto& [id, talk] : talks_)
    if (wanted.empty() || folded(talk.title).find(wanted) != std::string::npos)
      all.push_back(&talk);
  std::ranges::sort(all, std::greater(),
                    [](const Talk* talk) { return std::pair(talk->changed_ms, talk->id); });
  return all;
}

std::uint64_t Model::unread() const {
  std::uint64_t total = 0;
  for (const auto& [id, talk] : talks_) total += talk.unread;
  return total;
}

std::string Model::ticks(const Talk& talk, std::uint64_t seq) const {
  std::size_t delivered = 0, read = 0;
  for (const auto& [user, marks] : talk.marks) {
    delivered += seq <= marks.delivered;
    read += seq <= marks.read;
  }
  if (read) return talk.is_group() ? fmt::format("✓✓ read by {}", read) : "✓✓ read";
  return delivered ? "✓✓" : "✓";
}

bool Model::is_online(std::uint64_t user) const {
  const auto found = presence_.find(user);
  return user != self_ && found != presence_.end() && found->second.online();
}

std::string Model::about(const Talk& talk, Time now) const {
  std::vector<std::string> typing;
  for (const auto& [user, one] : talk.typing)
    if (one.second > now) typing.push_back(one.first);
  if (typing.size() == 1) return typing.front() + " is typing…";
  if (!typing.empty()) return fmt::format("{} are typing…", typing.size());
  if (talk.left) return "you are not in it any more";
  if (talk.is_group()) return talk.members ? counted(talk.members, "member") : "";
  if (talk.peer == self_) return "";
  const auto found = presence_.find(talk.peer);
  if (found == presence_.end()) return "";
  if (found->second.online()) return "online";
  return found->second.last_seen_ms() ? "last seen " + when(found->second.last_seen_ms()) : "";
}

Time Model::next_change(Time now) const {
  Time next = Time::max();
  if (const auto* talk = opened())
    for (const auto& [user, one] : talk->typing)
      if (one.second > now) next = std::min(next, one.second);
  return next;
}

Talk& Model::put(const v1::Conversation& state, std::string title, std::uint64_t peer) {
  auto& talk = talks_[state.conversation_id()];
  talk.id = state.conversation_id();
  talk.title = std::move(title);
  talk.peer = peer;
  talk.head = std::max(talk.head, state.head());
  talk.listed_head = std::max(talk.listed_head, state.head());
  talk.read = std::max(talk.read, state.read());
  talk.unread = state.unread();
  talk.changed_ms = std::max(talk.changed_ms, state.changed_ms());
  talk.left = state.left() != 0;
  if (state.members()) talk.members = state.members();
  for (auto receipt : state.others()) {
    receipt.set_conversation_id(talk.id);
    advance(receipt);
  }
  return talk;
}

void Model::note_last_line(const std::string& id, const Message& message) {
  auto* talk = find(id);
  if (!talk || message.seq < talk->last_line_seq) return;
  talk->last_line_seq = message.seq;
  const bool plain = !talk->is_group() && message.sender != self_;
  talk->last_line = one_line(plain               ? message.text
                             : message.is_change ? message.who + " " + message.text
                                                 : message.who + ": " + message.text);
}

bool Model::add(const v1::Entry& entry, Message message) {
  auto* talk = find(entry.conversation_id());
  if (!talk) return false;
  talk->typing.erase(entry.sender());
  drop_pending(talk->id, entry.client_message_id());
  talk->changed_ms = std::max(talk->changed_ms, entry.time_ms());
  if (entry.sender() == self_ && entry.has_body()) {
    // Sending moves one's own read mark.
    talk->unread = 0;
    talk->read = std::max(talk->read, entry.seq());
    if (talk->id == opened_) talk->new_after.reset();
  } else if (entry.has_body() && entry.seq() > talk->listed_head && entry.seq() > talk->read) {
    ++talk->unread;
  }
  talk->head = std::max(talk->head, entry.seq());
  talk->listed_head = std::max(talk->listed_head, entry.seq());
  talk->live_head = std::max(talk->live_head, entry.seq());
  const auto holds = [this](const auto& list) {
    return std::ranges::find(list, self_) != list.end();
  };
  const auto& change = entry.group_change();
  if (holds(change.removed().user_ids()) || holds(change.left().user_ids()) ||
      change.has_dissolved())
    talk->left = true;
  if (holds(change.added().user_ids())) talk->left = false;
  if (!change.title().empty()) talk->title = "#" + printable(change.title());
  note_last_line(talk->id, message);
  if (talk->loaded && !talk->more_after) {
    talk->messages.insert_or_assign(message.seq, std::move(message));
    if (talk->messages.size() > kMostMessages && !talk->anchor) {
      talk->messages.erase(talk->messages.begin());
      talk->more_before = true;
    }
  }
  return true;
}

void Model::add_page(const std::string& id, const v1::History& page, std::vector<Message> messages,
                     Page where) {
  auto* talk = find(id);
  if (!talk) return;
  const bool came = !messages.empty();
  std::map<std::uint64_t, Message> live;
  if (where == Page::instead) {
    // What came while the page was on its way stays, if the page reaches the end.
    if (!page.more_after() && !talk->more_after) live = std::exchange(talk->messages, {});
    talk->messages.clear();
  }
  if (where != Page::newer) talk->more_before = page.more_before();
  if (where != Page::older) talk->more_after = page.more_after();
  for (auto& message : messages) talk->messages.insert_or_assign(message.seq, std::move(message));
  talk->messages.merge(live);
  while (talk->messages.size() > kMostMessages) {
    if (where == Page::older) {
      talk->messages.erase(std::prev(talk->messages.end()));
      talk->more_after = true;
    } else {
      talk->messages.erase(talk->messages.begin());
      talk->more_before = true;
    }
  }
  talk->loaded = true;
  if (talk->messages.empty()) return;
  const auto& last = talk->messages.rbegin()->second;
  // What came live while the page was on its way and could not be put behind it.
  if (came && last.seq < talk->live_head) talk->more_after = true;
  if (talk->more_after) return;
  talk->head = std::max(talk->head, last.seq);
  note_last_line(id, last);
}

void Model::add_pending(const std::string& id, Pending pending) {
  if (auto* talk = find(id)) talk->pending.push_back(std::move(pending));
}

void Model::drop_pending(const std::string& id, const std::string& key) {
  if (auto* talk = find(id))
    std::erase_if(talk->pending, [&](const auto& one) { return !key.empty() && one.key == key; });
}

void Model::refuse(const std::string& id, const std::string& key, std::string why) {
  if (auto* talk = find(id))
    for (auto& one : talk->pending)
      if (one.key == key) one.refusal = why;
}

bool Model::advance(const v1::Receipt& receipt) {
  auto* talk = find(receipt.conversation_id());
  if (!talk) return true;
  if (receipt.user_id() == self_) {
    if (receipt.read() <= talk->read) return true;
    talk->read = receipt.read();
    if (talk->read < talk->head && talk->unread) return false;
    talk->unread = 0;
    return true;
  }
  // Marks only grow, and read implies delivered.
  auto& marks = talk->marks[receipt.user_id()];
  marks.delivered = std::max({marks.delivered, receipt.delivered(), receipt.read()});
  marks.read = std::max(marks.read, receipt.read());
  return true;
}

void Model::set_typing(const v1::TypingNotice& notice, std::string who, Time now) {
  auto* talk = find(notice.conversation_id());
  if (talk && notice.user_id() != self_)
    talk->typing[notice.user_id()] = {std::move(who), now + kTypingShown};
}

void Model::set_title(const std::string& id, std::string title) {
  if (auto* talk = find(id)) talk->title = std::move(title);
}

void Model::open(const std::string& id) {
  auto* talk = find(id);
  if (!talk) return;
  if (auto* before = opened(); before && before != talk)
    std::erase_if(before->pending, [](const auto& one) { return !one.refusal.empty(); });
  opened_ = id;
  talk->new_after.reset();
  if (talk->unread) talk->new_after = talk->read;
  talk->anchor.reset();
  leave_list();
}

std::string Model::neighbour(int step) const {
  const auto list = listed();
  const auto at = std::ranges::find(list, opened_, &Talk::id);
  if (list.empty()) return {};
  if (at == list.end()) return list.front()->id;
  const auto index = at - list.begin() + step;
  return index < 0 || index >= static_cast<std::ptrdiff_t>(list.size())
             ? std::string()
             : list[static_cast<std::size_t>(index)]->id;
}

std::optional<std::uint64_t> Model::seen() {
  auto* talk = opened();
  if (!talk || !talk->loaded || talk->more_after || talk->anchor || talk->messages.empty())
    return std::nullopt;
  const auto last = talk->messages.rbegin()->first;
  if (last <= talk->read) return std::nullopt;
  talk->read = last;
  talk->unread = 0;
  return last;
}

void Model::enter_list(bool with_filter) {
  focus_ = Focus::list;
  filtering_ = with_filter;
  if (!filter_.empty()) filter_.clear();
  const auto list = listed();
  highlighted_ = !opened_.empty() ? opened_ : list.empty() ? std::string() : list.front()->id;
}

void Model::leave_list() {
  if (focus_ == Focus::list) focus_ = Focus::input;
  filtering_ = false;
  filter_.clear();
  highlighted_.clear();
}

void Model::move_highlight(int step) {
  const auto list = listed();
  if (list.empty()) return;
  const auto at = std::ranges::find(list, highlighted_, &Talk::id);
  const auto index = at == list.end() ? 0 : at - list.begin() + step;
  const auto last = static_cast<std::ptrdiff_t>(list.size()) - 1;
  highlighted_ = list[static_cast<std::size_t>(std::clamp(index, std::ptrdiff_t{0}, last))]->id;
}

void Model::set_filter(std::string filter) {
  filter_ = std::move(filter);
  const auto list = listed();
  if (std::ranges::find(list, highlighted_, &Talk::id) == list.end())
    highlighted_ = list.empty() ? std::string() : list.front()->id;
}

void Model::show_pager(std::string title, std::vector<std::string> lines) {
  pager_title = std::move(title);
  pager = std::move(lines);
  pager_top = 0;
  focus_ = Focus::pager;
}

void Model::move_pager(int step) {
  const auto last = static_cast<std::ptrdiff_t>(pager.empty() ? 0 : pager.size() - 1);
  pager_top = static_cast<std::size_t>(
      std::clamp(static_cast<std::ptrdiff_t>(pager_top) + step, std::ptrdiff_t{0}, last));
}

void Model::ask(std::string what) {
  question = std::move(what);
  focus_ = Focus::question;
}

void Model::end_overlay() {
  focus_ = Focus::input;
  pager.clear();
  question.clear();
}

}  // namespace parley::cli::desk
