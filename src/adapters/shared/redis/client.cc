#include "adapters/shared/redis/client.h"

#include <boost/asio.hpp>
#include <fmt/format.h>
#include <hiredis/hiredis.h>

#include "base/check.h"
#include "base/log.h"

namespace parley::redis {
namespace {
using Steady = std::chrono::steady_clock;

void append(std::string& out, std::string_view word) {
  fmt::format_to(std::back_inserter(out), "${}\r\n{}\r\n", word.size(), word);
}

/// As the protocol wants it: an array of byte strings
/// (https://redis.io/docs/latest/develop/reference/protocol-spec).
std::string encoded(std::span<const std::string_view> first,
                    std::span<const std::string_view> rest = {}) {
  std::string out = fmt::format("*{}\r\n", first.size() + rest.size());
  for (auto word : first) append(out, word);
  for (auto word : rest) append(out, word);
  return out;
}

/// What the server refused, by the first word of its answer.
Error refusal(std::string_view text, std::uint32_t again_ms) {
  const auto kind = text.substr(0, text.find(' '));
  const auto message = fmt::format("Redis: {}", text);
  if (kind == "OOM") return {Code::storage_full, message, {}, again_ms};
  for (auto passing : {"LOADING", "BUSY", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN"})
    if (kind == passing) return {Code::unavailable, message, {}, again_ms};
  return {Code::internal, message};
}

}  // namespace

Client::Client(Loops& loops, std::size_t loop, Settings settings)
    : loops_(loops),
      loop_(loop),
      settings_(std::move(settings)),
      pause_(settings_.first_pause),
      pause_timer_(loops.at(loop)),
      deadline_timer_(loops.at(loop)),
      random_(std::random_device()()),
      missing_(Missing{Steady::now(), "it was not asked yet"}) {}

Client::~Client() {
  if (connection_) connection_->close();
}

Script Client::add(std::string text) {
  scripts_.push_back({std::move(text), {}});
  return {scripts_.size() - 1};
}

void Client::start() {
  boost::asio::post(loops_.at(loop_), [this] { connect(); });
}

void Client::connect() {
  auto opened = Connection::open(loops_.at(loop_), settings_.host, settings_.port, *this);
  if (!opened) {
    set_missing(opened.error().message);
    return connect_later();
  }
  connection_ = std::move(*opened);
  greet();
}

void Client::connect_later() {
  // Clients that lost one server together must not come back together.
  std::uniform_int_distribution<std::int64_t> part(pause_.count() / 2, pause_.count());
  pause_timer_.expires_after(std::chrono::milliseconds(part(random_)));
  pause_ = std::min(2 * pause_, settings_.longest_pause);
  pause_timer_.async_wait([this](boost::system::error_code cancelled) {
    if (!cancelled) connect();
  });
}

void Client::greet() {
  if (!settings_.password.empty()) {
    if (settings_.user.empty())
      greeting({"AUTH", settings_.password});
    else
      greeting({"AUTH", settings_.user, settings_.password});
  }
  if (settings_.database != 0) greeting({"SELECT", std::to_string(settings_.database)});
  for (auto& script : scripts_)
    greeting({"SCRIPT", "LOAD", script.text},
             [&script](Reply reply) { script.sha = reply.text(); });
  greeting({"PING"}, [this](Reply) { greeted(); });  // refused while the server reads its data
}

void Client::greeting(Arguments words, std::move_only_function<void(Reply)> then) {
  ask(encoded(std::span(words.begin(), words.size())),
      {[this, then = std::move(then)](Result<Reply> reply) mutable {
         if (reply) return then(*reply);
         if (connection_) drop(reply.error().message);
       },
       {},
       {}});
}

void Client::greeted() {
  open_ = true;
  pause_ = settings_.first_pause;
  {
    const std::lock_guard lock(mutex_);
    missing_.reset();
  }
  log::info("redis", "connected address={}", address());
  on_open_();
}

void Client::command(std::span<const std::string_view> words, Answer answer) {
  send(encoded(words), std::move(answer), false);
}

void Client::run(Script script, std::span<const std::string_view> words, Answer answer) {
  const std::string_view first[] = {"EVALSHA", scripts_[script.index].sha, "0"};
  send(encoded(first, words), std::move(answer), true);
}

void Client::send(std::string command, Answer answer, bool again) {
  PARLEY_CHECK(loops_.current() == loop_, "Redis is asked on the client's loop");
  if (!open_) return answer(std::unexpected(down()));
  if (under_way_.size() + forgotten_.size() + held_.size() >= settings_.most_under_way)
    return answer(fail_for(Code::unavailable, "Redis does not keep up: too much is under way",
                           static_cast<std::uint32_t>(settings_.first_pause.count())));
  if (reloading_) return held_.push_back({std::move(answer), {}, std::move(command)});
  ask(command, {std::move(answer), {}, again ? command : std::string()});
}

void Client::ask(std::string_view command, Asked asked) {
  asked.until = Steady::now() + settings_.timeout;
  under_way_.push_back(std::move(asked));
  connection_->send(command);
  if (!watches_deadline_) watch_deadline();
}

void Client::on_reply(const redisReply& reply) {
  Asked asked = std::move(under_way_.front());
  under_way_.pop_front();
  if (settings_.took) settings_.took->observe(Steady::now() - (asked.until - settings_.timeout));
  if (reply.type != REDIS_REPLY_ERROR) {
    asked.answer(Reply(reply));
  } else {
    const std::string_view text(reply.str, reply.len);
    if (text.starts_with("NOSCRIPT") && !asked.command.empty()) {
      reloading_ = true;
      forgotten_.push_back(std::move(asked));
    } else {
      asked.answer(std::unexpected(
          refusal(text, static_cast<std::uint32_t>(settings_.longest_pause.count()))));
    }
  }
  if (reloading_ && under_way_.empty()) load_again();
}

void Client::load_again() {
  reloading_ = false;
  log::warn("redis", "scripts_forgotten address={}", address());
  for (auto& script : scripts_) greeting({"SCRIPT", "LOAD", script.text});
  auto again = std::exchange(forgotten_, {});
  std::ranges::move(std::exchange(held_, {}), std::back_inserter(again));
  for (auto& asked : again) {
    const auto command = asked.command;
    ask(command, std::move(asked));
  }
}

void Client::watch_deadline() {
  watches_deadline_ = !under_way_.empty();
  if (!watches_deadline_) return;
  deadline_timer_.expires_at(under_way_.front().until);
  deadline_timer_.async_wait([this](boost::system::error_code cancelled) {
    if (cancelled) return;
    if (!under_way_.empty() && under_way_.front().until <= Steady::now())
      drop(fmt::format("no answer within {} ms", settings_.timeout.count()));
    watch_deadline();
  });
}

void Client::drop(const std::string& why) {
  if (connection_) connection_->close();
  on_end(why);
}

void Client::on_end(const std::string& why) {
  connection_.reset();
  open_ = reloading_ = false;
  set_missing(why);
  const auto now = Steady::now();
  for (auto* queue : {&forgotten_, &under_way_, &held_})
    for (auto& asked : std::exchange(*queue, {})) {
      auto error = down();
      if (asked.until != Time() && asked.until <= now) error.code = Code::timed_out;
      asked.answer(std::unexpected(std::move(error)));
    }
  connect_later();
}

Error Client::down() const {
  const auto why = missing();
  return {Code::unavailable,
          fmt::format("Redis at {} cannot be asked: {}", address(), why ? why->why : "it is lost"),
          {},
          static_cast<std::uint32_t>(settings_.longest_pause.count())};
}

void Client::set_missing(const std::string& why) {
  {
    const std::lock_guard lock(mutex_);
    if (missing_ && missing_->why == why) return;
    if (missing_)
      missing_->why = why;
    else
      missing_ = Missing{Steady::now(), why};
  }
  log::warn("redis", "missing address={} why=\"{}\"", address(), why);
}

std::optional<Client::Missing> Client::missing() const {
  const std::lock_guard lock(mutex_);
  return missing_;
}

std::string Client::address() const {
  const bool v6 = settings_.host.contains(':');
  return fmt::format("{}{}{}:{}", v6 ? "[" : "", settings_.host, v6 ? "]" : "", settings_.port);
}

}  // namespace parley::redis
