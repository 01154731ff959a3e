#pragma once
#include <condition_variable>
#include <list>
#include <mutex>

#include "rpc/link.h"

namespace parley::rpc {

/// The processes of one service, any of which answers single calls. Each call goes to the next of
/// those that are there and not silent, as their links say. Any thread. Destroyed after `stop`, or
/// after the loops have ended.
class Pool {
 public:
  /// Of `channel` the address is not looked at. The loops may run, or not yet.
  Pool(Loops& loops, Link::Settings link, Channel::Settings channel)
      : loops_(loops), link_(std::move(link)), channel_(std::move(channel)) {}

  /// From now on these are the processes. Calls that are under way to others go on.
  void set(const std::vector<std::string>& addresses);
  void start();
  /// Cancels the calls under way and waits until everything has ended; then every call is refused.
  /// The loops still run. Blocks.
  void stop();

  /// As Channel::call, of the next that is there; `unavailable`, at once, where none is.
  template <class Request, class Answer>
  Awaitable<Result<Answer>> call(Method<Request, Answer> method, Request request,
                                 std::chrono::milliseconds within = kCallWithin) {
    PARLEY_CO_TRY(channel, next());
    co_return co_await channel->call(method, std::move(request), within);
  }
  /// For what may be repeated: where one is `unavailable`, the others are asked, each once.
  template <class Request, class Answer>
  Awaitable<Result<Answer>> ask(Method<Request, Answer> method, Request request,
                                std::chrono::milliseconds within = kCallWithin) {
    PARLEY_CO_TRY(channels, there());
    for (std::size_t i = 0;; ++i) {
      auto answer = co_await channels[i]->call(method, request, within);
      if (answer || answer.error().code != Code::unavailable || i + 1 == channels.size())
        co_return answer;
    }
  }
  /// To which a call would go now: for who wants to stay with one.
  Result<std::shared_ptr<Channel>> next();

  std::vector<std::string> addresses() const;
  /// Since when none has been there, and why; nothing: one is.
  std::optional<Link::Missing> missing() const;

 private:
  struct Member {
    Member(Loops& loops, std::size_t home, Channel::Settings settings,
           const Link::Settings& of_link)
        : channel(std::make_shared<Channel>(std::move(settings))),
          link(loops, home, *channel, of_link) {}
    const std::shared_ptr<Channel> channel;  // shared with the calls under way
    Link link;
  };
  /// Those that are there, the next one first.
  Result<std::vector<std::shared_ptr<Channel>>> there();
  // The caller has the mutex.
  std::optional<Link::Missing> missing_now() const;
  void drop(std::list<Member>::iterator member);

  Loops& loops_;
  const Link::Settings link_;
  const Channel::Settings channel_;

  mutable std::mutex mutex_;
  std::list<Member> members_;
  std::list<Member> dropped_;                   // until their links have ended
  std::vector<std::weak_ptr<Channel>> former_;  // of which calls may be under way
  std::condition_variable none_dropped_;
  std::size_t turn_ = 0, homes_ = 0;
  bool started_ = false, stopped_ = false;
  std::chrono::steady_clock::time_point empty_since_ = std::chrono::steady_clock::now();
};

}  // namespace parley::rpc
