#include "cli/context.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>
#include <unistd.h>

#include "client/default_profile.h"
#include "client/json.h"

namespace parley::cli {

Outcome<client::Endpoint> Context::endpoint() const {
  auto at = client::Endpoint::parse(server.empty() ? client::kDefaultServer : server);
  if (at && !ca.empty()) at->ca = std::filesystem::absolute(ca);
  return at;
}

Outcome<client::Api*> Context::sign_on() {
  const auto folder = client::state_folder();
  auto name = profile;
  if (name.empty()) {
    const auto names = client::Account::list(folder);
    if (names.empty())
      return client::failed(
          "you are not signed in: `parley sign-in NAME`, or `parley sign-up NAME` for a new "
          "account");
    name = names.size() == 1 ? names.front() : client::default_profile(folder);
    if (std::ranges::find(names, name) == names.end())
      return client::failed(
          fmt::format("several accounts are signed in here ({}): say which by --profile NAME or by "
                      "PARLEY_PROFILE, or choose one for good by `parley use NAME`",
                      fmt::join(names, ", ")));
  }
  auto account = client::Account::load(folder, name);
  if (!account && !std::filesystem::exists(folder / (name + ".json")))
    return client::failed(
        fmt::format("no account \"{}\" is signed in here: `parley sign-in {}`", name, name));
  if (!account) return std::unexpected(account.error());
  account_.emplace(std::move(*account));
  auto at = client::Endpoint::parse(server.empty() ? account_->state().server() : server);
  if (!at) return std::unexpected(at.error());
  at->ca = ca.empty() ? account_->state().ca() : ca;
  at->plain_http = transport == "http";
  return &api_.emplace(std::move(*at), *account_);
}

void print_line(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
  if (std::fflush(stdout) != 0) std::_Exit(EXIT_FAILURE);
}

void print_json(const google::protobuf::Message& message) {
  print_line(client::to_json(message, true));
}

void print_frame(const v1::ServerFrame& frame) { print_line(client::to_json(frame)); }

void remark(std::string_view line) { fmt::print(stderr, "{}\n", line); }

bool is_terminal_output() {
  const char* term = std::getenv("TERM");
  return isatty(STDOUT_FILENO) && term && std::string_view(term) != "dumb" && *term;
}

}  // namespace parley::cli
