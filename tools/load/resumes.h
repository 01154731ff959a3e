#pragma once
#include <deque>
#include <memory>
#include <vector>

#include "accounts.h"
#include "options.h"
#include "result.h"
#include "session.h"

namespace parley::load {

/// People who come back again and again: connect, hello with the last cursor by ticket (or by
/// another token of the file each time), wait for the end of the backlog, go. One thread.
class Resumes final : public SessionListener {
 public:
  Resumes(const Options& options, const Target& target, std::vector<Account> accounts);
  ~Resumes() override;

  /// Ends after the duration, or with the last token. Throws std::runtime_error when refused.
  Result run();

  void on_frame(Session& session, const v1::ServerFrame& frame) override {}
  void on_ready(Session& session) override;
  void on_lost(Session& session, int code, std::string_view reason) override;

 private:
  struct Client;

  void start_next(Nanos at);
  bool exhausted() const { return options_.fresh_tokens && tokens_left_ == 0; }

  const Options& options_;
  const std::vector<Account> accounts_;
  Loop loop_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::deque<std::size_t> resting_;  // clients that may come back
  std::size_t under_way_ = 0;
  std::size_t tokens_left_ = 0;
  bool first_time_ = true;
  Nanos until_ = 0;
  Result result_;
};

}  // namespace parley::load
