#include "resumes.h"

#include <fmt/format.h>
#include <stdexcept>

#include "cpu.h"

namespace parley::load {

struct Resumes::Client {
  Client(Loop& loop, const Target& target, Resumes& resumes, std::size_t number)
      : session(loop, target, resumes, number) {}
  Session session;
  std::size_t next_token = 0;
  Nanos started = 0;
  bool done = false;  // its backlog has ended, and it said goodbye
};

Resumes::Resumes(const Options& options, const Target& target, std::vector<Account> accounts)
    : options_(options), accounts_(std::move(accounts)) {
  for (std::size_t i = 0; i < accounts_.size(); ++i) {
    clients_.push_back(std::make_unique<Client>(loop_, target, *this, i));
    tokens_left_ += accounts_[i].tokens.size();
    resting_.push_back(i);
  }
}

Resumes::~Resumes() = default;

void Resumes::start_next(Nanos at) {
  const std::size_t most = resting_.size();
  for (std::size_t tried = 0; tried < most; ++tried) {
    Client& client = *clients_[resting_.front()];
    resting_.pop_front();
    const auto& tokens = accounts_[client.session.number].tokens;
    const bool by_token = first_time_ || options_.fresh_tokens;
    if (by_token && client.next_token >= tokens.size()) continue;  // it has come for the last time
    if (!client.session.idle()) {  // its last connection is still being closed
      resting_.push_back(client.session.number);
      continue;
    }
    if (by_token) {
      client.session.token = tokens[client.next_token++].text;
      client.session.ticket.clear();
      --tokens_left_;
    }
    client.started = at;
    client.done = false;
    ++under_way_;
    client.session.connect();
    return;
  }
}

void Resumes::on_ready(Session& session) {
  --under_way_;
  const Nanos end = now();
  if (!first_time_ && end < until_) {
    ++result_[Counter::resumes];
    result_.resume.record(end - clients_[session.number]->started);
  }
  clients_[session.number]->done = true;
  session.close();
  resting_.push_back(session.number);
}

void Resumes::on_lost(Session& session, int code, std::string_view reason) {
  if (clients_[session.number]->done) return;
  throw std::runtime_error(fmt::format("a session was refused with {} {}", code, reason));
}

Result Resumes::run() {
  constexpr Nanos kPatience = 60'000'000'000;
  constexpr Nanos kPatienceEach = 10'000'000;
  // Everyone comes once, for a ticket and a cursor; not where each token may be shown only once.
  std::size_t begun = options_.fresh_tokens ? clients_.size() : 0;
  const Nanos give_up = now() + kPatience + kPatienceEach * static_cast<Nanos>(clients_.size());
  while (begun < clients_.size() || under_way_ > 0) {
    for (; begun < clients_.size() && under_way_ < options_.connecting; ++begun) start_next(now());
    loop_.turn(now() + 10'000'000);
    if (now() > give_up) throw std::runtime_error("the sessions did not become ready");
  }
  first_time_ = false;
  const Nanos start = now();
  until_ = start + static_cast<Nanos>(options_.duration * 1e9);
  const double cpu = cpu_seconds();
  Nanos at = start;
  for (; at < until_ && !(exhausted() && under_way_ == 0); at = now()) {
    while (under_way_ < options_.outstanding && !resting_.empty()) {
      const std::size_t before = under_way_;
      start_next(at);
      if (under_way_ == before) break;
    }
    loop_.turn(std::min(until_, at + 1'000'000));
  }
  result_[Counter::sessions] = clients_.size();
  result_.seconds = static_cast<double>(at - start) / 1e9;
  result_.cpu_seconds = cpu_seconds() - cpu;
  return std::move(result_);
}

}  // namespace parley::load
