#include <arpa/inet.h>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fmt/format.h>
#include <fstream>
#include <netdb.h>
#include <random>
#include <stdexcept>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "echo.h"
#include "groups.h"
#include "report.h"
#include "resumes.h"
#include "traffic.h"
#include "workers.h"

namespace {

using namespace parley::load;

Target resolve(const Options& options) {
  const std::size_t colon = options.server.rfind(':');
  if (colon == std::string::npos)
    throw std::runtime_error(fmt::format("--server {}: host:port expected", options.server));
  const std::string host = options.server.substr(0, colon);
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(host.c_str(), options.server.c_str() + colon + 1, &hints, &found) != 0)
    throw std::runtime_error(fmt::format("--server {}: unknown host or port", options.server));
  Target target;
  target.address = *reinterpret_cast<sockaddr_in*>(found->ai_addr);
  target.host = options.server;
  if (options.tls) target.tls = std::make_shared<TlsClient>(host, options.ca);
  target.sources = options.sources;
  freeaddrinfo(found);
  return target;
}

void raise_descriptor_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

void ask_to_stop(int) { stop_asked = 1; }

Result run(const Options& options) {
  const Target target = resolve(options);
  if (options.mode == Mode::echo) return run_echo(options, target);
  const std::vector<Account> accounts =
      options.tokens.empty() ? sign_up(options) : read_accounts(options.tokens);
  // The ids of a run must differ from those of every other run, whatever the seed.
  const std::uint64_t nonce = std::random_device{}();
  const auto unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                           std::chrono::system_clock::now().time_since_epoch())
                           .count();
  return run_in_processes(options.processes, [&](std::size_t process,
                                                 const std::function<void()>& barrier) {
    auto share = share_of(accounts, options, process);
    if (options.mode == Mode::resumes)
      return barrier(), Resumes(options, target, std::move(share)).run();
    auto groups = gather_groups(options, share, process, nonce);
    return Traffic(options, target, std::move(share),
                   {.process = process,
                    .unix_ms = unix_ms,
                    .nonce = nonce,
                    .talks = process == 0,
                    .all_ready = barrier,
                    .receipts = [&](const auto& asker, const auto& where,
                                    auto seq) { return receipts_of(options, asker, where, seq); }},
                   std::move(groups))
        .run();
  });
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = parse_options(argc, argv);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGINT, ask_to_stop);
  std::signal(SIGTERM, ask_to_stop);
  prctl(PR_SET_TIMERSLACK, 1);
  raise_descriptor_limit();
  try {
    const Result result = run(options);
    fmt::print("{}", table(options, result));
    if (!options.report.empty()) {
      std::ofstream file(options.report);
      file << json(options, result);
      if (!file.flush())
        throw std::runtime_error(fmt::format("{}: cannot be written", options.report));
    }
    constexpr int kPromiseBroken = 3;
    return result.faults.total() == 0 ? 0 : kPromiseBroken;
  } catch (const std::exception& error) {
    fmt::print(stderr, "parley-load: {}\n", error.what());
    return 1;
  }
}
