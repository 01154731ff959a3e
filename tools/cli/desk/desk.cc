#include "cli/desk/desk.h"

#include <algorithm>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/post.hpp>
#include <csignal>
#include <fmt/format.h>

#include "cli/text.h"
#include "cli/titles.h"

namespace parley::cli::desk {
namespace asio = boost::asio;
using std::chrono::steady_clock;

namespace {

constexpr auto kEscapeWait = std::chrono::milliseconds(50);
constexpr std::size_t kWatched = 200;    // people whose presence the list shows
constexpr std::uint64_t kFetched = 500;  // so much is fetched of what was missed; else from now on
constexpr int kPage = 100;

std::string path_of(const std::string& id) { return "/v1/conversations/" + client::url_escape(id); }

}  // namespace

Desk::Desk(Context& context, client::Api& api)
    : context_(context),
      api_(api),
      people_(api),
      model_(api.account().user(), printable(api.account().state().name())),
      layout_(terminal_size(), std::getenv("NO_COLOR") == nullptr),
      live_(context, api, *this),
      jobs_(context.io()),
      input_(context.io()),
      paint_timer_(context.io()),
      escape_timer_(context.io()),
      typing_timer_(context.io()) {}

Awaitable<Outcome<std::string>> Desk::run(std::string place) {
  auto all = co_await all_conversations(api_);
  if (!all) co_return std::unexpected(std::move(all.error()));
  std::ranges::sort(*all, std::greater(), &v1::Conversation::changed_ms);
  const auto& titles = api_.account().state().titles();
  std::vector<std::string> ids;
  for (const auto& one : *all) {
    const auto& id = ids.emplace_back(one.conversation_id());
    const auto known = titles.find(id);
    model_.put(one, known == titles.end() ? id : known->second, people_.peer_of(id));
  }
  track(*all);
  show_waiting();

  terminal_.emplace(RawTerminal::Controls::keys);
  write_terminal(painter_.enter());
  if (!all->empty()) model_.enter_list(false);
  jobs_.start(load_titles(std::move(ids)));
  if (!place.empty()) jobs_.start(resolve_and_open(std::move(place)));
  watch_peers();
  paint_soon();

  Signals signals(context_, live_, [this](int signal) { on_signal(signal); });
  const auto live = [&]() -> Awaitable<Outcome<void>> {
    auto done = co_await live_.run();
    signals.cancel();
    input_.close();
    co_return done;
  };
  using namespace asio::experimental::awaitable_operators;
  auto done = co_await (live() && read_keys() && signals.run());
  paint_timer_.cancel();
  escape_timer_.cancel();
  typing_timer_.cancel();
  co_await jobs_.finish();
  give_terminal_back();
  if (!done) co_return std::unexpected(std::move(done.error()));
  co_return next_profile_;
}

/// Takes up what this device missed, if that is not too much.
void Desk::track(const std::vector<v1::Conversation>& all) {
  using Acks = client::Session::Acks;
  for (const auto& one : all) {
    const auto head = one.left() ? std::min(one.left(), one.head()) : one.head();
    const bool whole = head <= one.delivered() + kFetched;
    live_.session().track(one.conversation_id(), whole ? std::min(one.delivered(), head) : head,
                          head, whole ? Acks::yes : Acks::no, steady_clock::now());
  }
}

void Desk::show_waiting() {
  for (const auto& item : api_.account().state().outbox())
    model_.add_pending(item.conversation_id(), {.key = item.client_message_id(),
                                                .text = printable(item.text()),
                                                .time_ms = item.created_ms(),
                                                .refusal = {}});
}

// --- What happens
// ---------------------------------------------------------------------------------

void Desk::on_entry(const v1::Entry& entry) {
  waiting_.push_back(entry);
  if (std::exchange(draining_, true)) return;
  jobs_.start(drain());
}

Awaitable<void> Desk::drain() {
  while (!waiting_.empty()) {
    const auto entry = std::move(waiting_.front());
    waiting_.pop_front();
    auto message = co_await message_of(entry);
    if (co_await know(entry.conversation_id())) model_.add(entry, std::move(message));
    // Who has nothing in common with one looks as if never there: ask again when that changes.
    if (entry.seq() == 1) watch_peers();
    // Who joins or leaves changes its size.
    if (const auto* talk = model_.opened();
        talk && talk->id == entry.conversation_id() && entry.has_group_change() && !talk->left)
      jobs_.start(load_group(talk->id));
    paint_soon();
  }
  draining_ = false;
}

void Desk::on_skipped(const std::string& conversation, client::Range range) {
  if (conversation == model_.opened_id())
    model_.remark(fmt::format("messages #{} to #{} are not available", range.from, range.to));
  paint_soon();
}

void Desk::on_send_failed(const client::OutboxItem& item, const Failure& failure) {
  model_.refuse(item.conversation_id(), item.client_message_id(), printable(describe(failure)));
  paint_soon();
}

void Desk::on_receipt(const v1::Receipt& receipt) {
  if (!model_.advance(receipt)) jobs_.start(refresh(receipt.conversation_id()));
  paint_soon();
}

void Desk::on_typing(const v1::TypingNotice& notice) {
  // Taken by value: the frame is gone when the name is there.
  jobs_.start([](Desk& desk, v1::TypingNotice heard) -> Awaitable<void> {
    auto who = co_await desk.people_.name_of(heard.user_id());
    desk.model_.set_typing(heard, std::move(who), steady_clock::now());
    desk.paint_soon();
  }(*this, notice));
}

void Desk::on_presence(const v1::PresenceNotice& notice) {
  model_.set_presence(notice);
  paint_soon();
}

void Desk::on_backlog_end(const v1::BacklogEnd& end) {
  // What moved in a group while nobody listened.
  if (const auto* talk = model_.opened(); talk && talk->is_group())
    jobs_.start(load_group(talk->id));
}

void Desk::on_link(const client::LinkState& link) {
  model_.link = link.online ? std::string() : printable(link.why);
  if (link.online) load_failed_ = false;
  paint_soon();
}

// --- The terminal
// ---------------------------------------------------------------------------------

void Desk::complain(const Failure& failure) {
  model_.remark(printable(describe(failure)), true);
  paint_soon();
}

/// Once for all that happens in this turn of the loop.
void Desk::paint_soon() {
  if (std::exchange(paint_wanted_, true)) return;
  after(paint_timer_, std::chrono::milliseconds(0), [this] {
    paint_wanted_ = false;
    paint();
  });
}

/// The handler of a timer that has expired already may come after the end of the Desk.
void Desk::after(asio::steady_timer& timer, std::chrono::nanoseconds pause,
                 std::function<void()> then) {
  timer.expires_after(pause);
  timer.async_wait([alive = std::weak_ptr<int>(alive_),
                    call = std::move(then)](boost::system::error_code cancelled) {
    if (!cancelled && !alive.expired()) call();
  });
}

void Desk::paint() {
  if (!terminal_) return;
  if (const auto seq = model_.seen()) {
    live_.read(model_.opened_id(), *seq);
    live_.note_shown(model_.opened_id(), *seq);
  }
  load_what_is_missing();
  const auto now = steady_clock::now();
  write_terminal(painter_.paint(layout_.draw(model_, model_.filtering() ? filter_ : editor_, now)));
  const auto next = model_.next_change(now);
  if (next == Time::max()) return;
  after(typing_timer_, next - now, [this] { paint_soon(); });
}

void Desk::give_terminal_back() {
  if (!terminal_) return;
  write_terminal(painter_.leave());
  terminal_.reset();
}

void Desk::on_signal(int signal) {
  if (signal != SIGCONT && signal != SIGWINCH) return give_terminal_back();
  if (!terminal_) return;
  if (signal == SIGCONT) {
    terminal_->enter();
    write_terminal(painter_.enter());
  }
  layout_.resize(terminal_size());
  painter_.forget();
  paint_soon();
}

void Desk::suspend() {
  write_terminal(painter_.leave());
  terminal_->leave();
  std::raise(SIGTSTP);  // until SIGCONT, which paints again
  on_signal(SIGCONT);
}

// --- Keys
// -----------------------------------------------------------------------------------------

Awaitable<void> Desk::read_keys() {
  while (!live_.stopped()) {
    auto bytes = co_await input_.read_some();
    if (!bytes) {
      leave();
      break;
    }
    load_failed_ = false;
    for (const auto& key : keys_.feed(*bytes)) press(key);
    if (keys_.waits_for_more()) {
      after(escape_timer_, kEscapeWait, [this] {
        for (const auto& key : keys_.give_up_waiting()) press(key);
        paint_soon();
      });
    } else {
      escape_timer_.cancel();
    }
    paint_soon();
  }
}

void Desk::press(const Key& key) {
  if (key.name == Key::redraw) return painter_.forget();
  if (key.name == Key::suspend) return suspend();
  model_.note.clear();
  switch (model_.focus()) {
    case Model::Focus::pager:
      return press_in_pager(key);
    case Model::Focus::question:
      return press_in_question(key);
    case Model::Focus::list:
      return press_in_list(key);
    case Model::Focus::input:
      return press_in_input(key);
  }
}

void Desk::press_in_pager(const Key& key) {
  const int page = static_cast<int>(layout_.page());
  if (key.name == Key::up) return model_.move_pager(-1);
  if (key.name == Key::down) return model_.move_pager(1);
  if (key.name == Key::page_up) return model_.move_pager(-page);
  if (key.name == Key::page_down) return model_.move_pager(page);
  model_.end_overlay();
}

void Desk::press_in_question(const Key& key) {
  const auto then = std::exchange(if_yes_, {});
  model_.end_overlay();
  if (key.name == Key::bytes && (key.text == "y" || key.text == "Y"))
    then();
  else
    model_.remark("left as it was");
}

void Desk::press_in_list(const Key& key) {
  const int page = static_cast<int>(layout_.page() / 2);
  switch (key.name) {
    case Key::up:
    case Key::previous:
      return model_.move_highlight(-1);
    case Key::down:
    case Key::next:
      return model_.move_highlight(1);
    case Key::page_up:
      return model_.move_highlight(-page);
    case Key::page_down:
      return model_.move_highlight(page);
    case Key::enter:
      if (const auto id = model_.highlighted(); !id.empty()) open(id);
      return;
    case Key::help:
      model_.leave_list();
      return model_.show_pager("parley: keys and commands", help());
    case Key::escape:
    case Key::tab:
      return model_.leave_list();
    case Key::leave:
      return leave();
    case Key::find:
      filter_ = LineEditor();
      return model_.enter_list(true);
    case Key::bytes:
      break;
    default:
      return;
  }
  if (key.text == "\x04") return leave();
  if (!model_.filtering()) {
    filter_ = LineEditor();
    model_.enter_list(true);
    if (key.text == "/") return;
  }
  filter_.feed(key.text);
  model_.set_filter(filter_.text());
}

void Desk::press_in_input(const Key& key) {
  const int page = std::max(static_cast<int>(layout_.page()) - 1, 1);
  switch (key.name) {
    case Key::bytes:
      return edit(key.text);
    case Key::enter:
      for (auto& line : editor_.feed("\r").lines) submit(std::move(line));
      return;
    case Key::up:
      return layout_.scroll(model_, 1);
    case Key::down:
      return layout_.scroll(model_, -1);
    case Key::page_up:
      return layout_.scroll(model_, page);
    case Key::page_down:
      return layout_.scroll(model_, -page);
    case Key::newest:
    case Key::escape:
      return to_newest();
    case Key::next:
    case Key::previous:
      if (const auto id = model_.neighbour(key.name == Key::next ? 1 : -1); !id.empty()) open(id);
      return;
    case Key::tab:
      return model_.enter_list(false);
    case Key::find:
      filter_ = LineEditor();
      return model_.enter_list(true);
    case Key::help:
      return model_.show_pager("parley: keys and commands", help());
    case Key::leave:
      return leave();
    case Key::redraw:
    case Key::suspend:
      return;
  }
}

void Desk::edit(const std::string& bytes) {
  if (editor_.text().empty()) {
    if (bytes == "\x04") return leave();
    if (bytes == "\033[F" || bytes == "\033OF" || bytes == "\033[4~") return to_newest();
    if (bytes == "?") return model_.show_pager("parley: keys and commands", help());
  }
  editor_.feed(bytes);
  if (!editor_.text().empty() && !editor_.text().starts_with('/') && !model_.opened_id().empty())
    live_.typing(model_.opened_id());
}

void Desk::submit(std::string line) {
  if (line.find_first_not_of(" \n") == std::string::npos) return;
  if (line.starts_with("//"))
    line.erase(0, 1);
  else if (line.starts_with('/'))
    return command(line);
  const auto id = model_.opened_id();
  if (id.empty()) return model_.remark("nothing is open: Tab chooses, /new NAME begins", true);
  auto item = live_.send(id, line);
  if (!item) return complain(item.error());
  model_.add_pending(id, {.key = item->client_message_id(),
                          .text = printable(line),
                          .time_ms = item->created_ms(),
                          .refusal = {}});
  to_newest();
}

void Desk::leave(std::string next_profile) {
  next_profile_ = std::move(next_profile);
  live_.stop();
}

// --- What is asked from the server
// ----------------------------------------------------------------

void Desk::open(const std::string& id) {
  model_.open(id);
  const auto* talk = model_.opened();
  if (!talk) return;
  if (talk->more_after) to_newest();
  if (talk->is_group() && !talk->left) jobs_.start(load_group(id));
  paint_soon();
}

void Desk::to_newest() {
  auto* talk = model_.opened();
  if (!talk) return;
  talk->anchor.reset();
  if (talk->more_after && !loading_.contains(talk->id))
    jobs_.start(load_page(talk->id, "before=0", Model::Page::instead));
}

void Desk::load_what_is_missing() {
  const auto* talk = model_.opened();
  if (!talk || load_failed_ || loading_.contains(talk->id)) return;
  if (!talk->loaded)
    jobs_.start(load_page(talk->id, "before=0", Model::Page::instead));
  else if (layout_.wants_older(model_) && !talk->messages.empty())
    jobs_.start(load_page(talk->id, fmt::format("before={}", talk->messages.begin()->first),
                          Model::Page::older));
  else if (layout_.wants_newer(model_) && !talk->messages.empty())
    jobs_.start(load_page(talk->id, fmt::format("after={}", talk->messages.rbegin()->first),
                          Model::Page::newer));
}

Awaitable<void> Desk::load_page(std::string id, std::string query, Model::Page where,
                                std::function<void()> then) {
  loading_.insert(id);
  auto page = co_await api_.call<v1::History>(
      "GET", fmt::format("{}/messages?{}&limit={}", path_of(id), query, kPage));
  std::vector<Message> messages;
  if (page)
    for (const auto& entry : page->entries()) messages.push_back(co_await message_of(entry));
  loading_.erase(id);
  if (page || page.error().code == "not_found") {  // not found: nothing was said yet
    model_.add_page(id, page ? *page : v1::History(), std::move(messages), where);
    if (then) then();
  } else {
    load_failed_ = true;
    complain(page.error());
  }
  paint_soon();
}

/// Its title and size as they are now, and how far the others are.
Awaitable<void> Desk::load_group(std::string id) {
  auto group = co_await api_.call<v1::Group>("GET", "/v1/groups/" + id.substr(2));
  auto* talk = model_.find(id);
  if (!talk) co_return;
  if (!group) {
    if (group.error().code != "not_found") complain(group.error());  // else: no longer in it
    co_return;
  }
  talk->title = "#" + printable(group->title());
  talk->members = group->members();
  paint_soon();
  if (talk->head == 0) co_return;
  auto receipts = co_await api_.call<v1::Receipts>(
      "GET", fmt::format("{}/receipts?seq={}", path_of(id), talk->head));
  if (!receipts) co_return complain(receipts.error());
  for (auto receipt : receipts->each()) {
    receipt.set_conversation_id(id);
    model_.advance(receipt);
  }
  paint_soon();
}

Awaitable<void> Desk::refresh(std::string id) {
  auto state = co_await api_.call<v1::Conversation>("GET", path_of(id));
  const auto* talk = model_.find(id);
  if (!talk) co_return;
  if (!state) co_return complain(state.error());
  model_.put(*state, talk->title, talk->peer);
  paint_soon();
}

/// Puts a conversation that the model does not have.
Awaitable<bool> Desk::know(std::string id) {
  if (model_.find(id)) co_return true;
  auto state = co_await api_.call<v1::Conversation>("GET", path_of(id));
  if (!state && state.error().code != "not_found") {
    complain(state.error());
    co_return false;
  }
  if (!state) state = v1::Conversation();  // one that begins now
  state->set_conversation_id(id);
  auto title = co_await title_of(id);
  if (!model_.find(id)) model_.put(*state, std::move(title), people_.peer_of(id));
  watch_peers();
  remember_titles();
  co_return true;
}

Awaitable<Message> Desk::message_of(v1::Entry entry) {
  co_return Message{.seq = entry.seq(),
                    .sender = entry.sender(),
                    .time_ms = entry.time_ms(),
                    .who = co_await people_.name_of(entry.sender()),
                    .text = co_await people_.words_of(entry),
                    .is_change = entry.has_group_change()};
}

Awaitable<std::string> Desk::title_of(std::string id) {
  auto title = co_await people_.title_of(id);
  co_return title == "you" ? "notes to yourself" : title;
}

/// What the list shows of each conversation, the latest first.
Awaitable<void> Desk::load_titles(std::vector<std::string> ids) {
  for (const auto& id : ids) {
    model_.set_title(id, co_await title_of(id));
    paint_soon();
  }
  remember_titles();
  for (const auto& id : ids) {
    if (const auto* talk = model_.find(id); !talk || talk->last_line_seq) continue;
    auto page = co_await api_.call<v1::History>("GET", path_of(id) + "/messages?before=0&limit=1");
    if (!page) {
      complain(page.error());
      co_return;
    }
    for (const auto& entry : page->entries()) model_.note_last_line(id, co_await message_of(entry));
    paint_soon();
  }
}

void Desk::watch_peers() {
  std::vector<std::uint64_t> peers;
  for (const auto* talk : model_.listed())
    if (talk->peer && talk->peer != model_.self() && peers.size() < kWatched)
      peers.push_back(talk->peer);
  live_.watch(peers);
}

void Desk::remember_titles() {
  std::map<std::string, std::string> titles;
  for (const auto* talk : model_.listed()) titles[talk->id] = talk->title;
  if (auto kept = cli::remember_titles(api_.account(), titles); !kept) complain(kept.error());
}

}  // namespace parley::cli::desk
