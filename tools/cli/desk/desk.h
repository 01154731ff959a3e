#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <set>

#include "cli/desk/jobs.h"
#include "cli/desk/keys.h"
#include "cli/desk/layout.h"
#include "cli/desk/painter.h"
#include "cli/desk/words.h"
#include "cli/input.h"
#include "cli/live.h"
#include "cli/people.h"

namespace parley::cli::desk {

/// The full-screen view of one account: joins the model with the terminal, the live session and the
/// REST interface. One thread.
class Desk final : public LiveView {
 public:
  Desk(Context& context, client::Api& api);

  /// Until the person leaves, and then: the profile of the account to go on with, or nothing.
  /// `place`: what is opened at once; empty: nothing.
  Awaitable<Outcome<std::string>> run(std::string place);

 private:
  void on_entry(const v1::Entry& entry) override;
  void on_skipped(const std::string& conversation, client::Range range) override;
  void on_sent(const client::OutboxItem& item, const v1::Sent& sent) override {}
  void on_send_failed(const client::OutboxItem& item, const Failure& failure) override;
  void on_receipt(const v1::Receipt& receipt) override;
  void on_typing(const v1::TypingNotice& notice) override;
  void on_presence(const v1::PresenceNotice& notice) override;
  void on_backlog_end(const v1::BacklogEnd& end) override;
  void on_link(const client::LinkState& link) override;
  void on_trouble(const Failure& failure) override { complain(failure); }

  // What is on the terminal.
  void paint_soon();
  void paint();
  void after(boost::asio::steady_timer& timer, std::chrono::nanoseconds pause,
             std::function<void()> then);
  void complain(const Failure& failure);
  void on_signal(int signal);
  void give_terminal_back();
  void suspend();

  // Keys.
  Awaitable<void> read_keys();
  void press(const Key& key);
  void press_in_list(const Key& key);
  void press_in_pager(const Key& key);
  void press_in_question(const Key& key);
  void press_in_input(const Key& key);
  void edit(const std::string& bytes);
  void submit(std::string line);
  void leave(std::string next_profile = {});

  // Commands of the input line (desk_commands.cc).
  void command(const std::string& line);
  void run_command(const Command& command, std::vector<std::string> words);
  void open_typed(std::string name);
  void go(const std::string& where);
  void list_accounts();
  void go_to_account(const std::string& profile);
  Awaitable<void> resolve_and_open(std::string name);
  Awaitable<void> make_group(std::vector<std::string> words);
  Awaitable<void> show_members(std::string id);
  /// `users`: names, put into the body as numbers.
  Awaitable<void> add_members(std::string id, std::vector<std::string> names);
  Awaitable<void> remove_members(std::string id, std::vector<std::string> names);
  Awaitable<void> set_role(std::string id, std::string name, std::string role);
  Awaitable<void> rename(std::string id, std::string title);
  Awaitable<void> end_membership(std::string id, std::string method, std::string rest);
  Awaitable<std::optional<std::vector<std::uint64_t>>> numbers(std::vector<std::string> names);
  /// The answer to a change of a group, or what was wrong.
  bool took(const Outcome<v1::Group>& answer);

  // What is asked from the server.
  Awaitable<void> load_titles(std::vector<std::string> ids);
  Awaitable<void> load_page(std::string id, std::string query, Model::Page where,
                            std::function<void()> then = {});
  Awaitable<void> load_group(std::string id);
  Awaitable<void> refresh(std::string id);
  Awaitable<bool> know(std::string id);
  Awaitable<void> drain();
  Awaitable<Message> message_of(v1::Entry entry);
  Awaitable<std::string> title_of(std::string id);
  void track(const std::vector<v1::Conversation>& all);
  void show_waiting();
  void open(const std::string& id);
  void to_newest();
  void load_what_is_missing();
  void watch_peers();
  void remember_titles();

  Context& context_;
  client::Api& api_;
  People people_;
  Model model_;
  Layout layout_;
  Painter painter_;
  LineEditor editor_, filter_;
  Keys keys_;
  Live live_;
  Jobs jobs_;
  Input input_;
  boost::asio::steady_timer paint_timer_, escape_timer_, typing_timer_;
  std::optional<RawTerminal> terminal_;
  std::deque<v1::Entry> waiting_;  // entries whose names are being asked
  bool draining_ = false;
  std::set<std::string> loading_;  // conversations of which a page is on its way
  bool load_failed_ = false;       // since the last key or connection: not to be tried again
  bool paint_wanted_ = false;
  std::function<void()> if_yes_;
  std::string next_profile_;
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace parley::cli::desk
