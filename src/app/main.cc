// parleyd: the Parley server.
#include <CLI/CLI.hpp>
#include <boost/asio.hpp>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <future>
#include <sodium.h>
#include <sys/resource.h>
#include <unistd.h>

#include "app/backup.h"
#include "app/certificate.h"
#include "app/doctor.h"
#include "app/move.h"
#include "app/remote_stores.h"
#include "app/seed.h"
#include "app/server.h"
#include "app/services.h"
#include "app/supervisor.h"
#include "base/log.h"

namespace parley::app {
namespace {

constexpr int kFailed = 1;
constexpr int kWrongUsage = 2;

int complain(int exit_code, const Error& error) {
  fmt::print(stderr, "parleyd: {}\n", error.message);
  return exit_code;
}

struct Arguments {
  std::string config_file;
  bool demo = false, test_data = false, list_targets = false, verify = false, print = false;
  std::vector<std::pair<const ConfigReader::Row*, std::string>> settings;
  std::string from, to;  // of migrate; of backup and restore
  SeedPlan plan;
};

/// Flag over environment over file over default.
Result<void> read_config(ConfigReader& reader, const Arguments& arguments) {
  if (!arguments.config_file.empty()) PARLEY_TRY_VOID(reader.read_file(arguments.config_file));
  PARLEY_TRY_VOID(
      reader.read_environment([](const std::string& name) { return std::getenv(name.c_str()); }));
  for (const auto& [row, value] : arguments.settings)
    PARLEY_TRY_VOID(reader.set(row->section, row->key, value, "--" + row->name('-')));
  return {};
}

void list_targets() {
  fmt::print("{:<14}{:<16}{:<40}{}\n", "target", "store", "needs", "does");
  for (const auto& row : services())
    fmt::print("{:<14}{:<16}{:<40}{}\n", row.name, row.store, row.needs, row.does);
  fmt::print(
      "\nall (the default) runs every one of them in this process; others are separated by "
      "commas.\n"
      "auth and user share a store and run together, unless it is in MySQL and services.user is "
      "set. "
      "Where\n"
      "processes find each other is in the sections services and gateways of the file of --config\n"
      "(docs/architecture.md).\n");
}

Result<void> check_folder(const Config& config, const Arguments& arguments) {
  const bool marked =
      std::filesystem::exists(std::filesystem::path(config.server.data) / kTestDataMark);
  if (marked && !arguments.test_data)
    return fail(Code::invalid_argument, config.server.data +
                                            " holds test data made by `parleyd seed`: start with "
                                            "--test-data, or give another --data");
  return {};
}

void greet(const Server& server, bool encrypted, const std::vector<Server::Person>& people) {
  if (!server.has_gateway()) {
    fmt::print("Parley's {} runs.\n\n  health    http://{}/readyz\n\n", server.targets(),
               server.admin_address());
    return;
  }
  const auto url = (encrypted ? "https://" : "http://") + server.address();
  fmt::print("Parley is running.\n\n  open      {0}/\n  health    http://{1}/readyz\n\n", url,
             server.admin_address());
  if (!people.empty()) {
    fmt::print(
        "Demo people (their passwords were made at random and are kept in the data folder):\n\n");
    for (const auto& person : people)
      fmt::print("  {:<8} password {}\n", person.name, person.password);
    fmt::print("\nNext, in two other terminals:\n\n");
    for (std::size_t i = 0; i < people.size(); ++i)
      fmt::print(
          "  build/release/bin/parley --server {} --profile {} sign-in {} && "
          "build/release/bin/parley --profile {} open {}\n",
          url, people[i].name, people[i].name, people[i].name, people[people.size() - 1 - i].name);
    fmt::print("\nCtrl-C stops the server.\n\n");
  }
}

int serve(const Config& config, const Targets& targets, const Arguments& arguments,
          SystemClock& clock, std::shared_ptr<net::Tls> tls,
          std::shared_ptr<rpc::Security> peer_tls) {
  if (auto fits = check_folder(config, arguments); !fits) return complain(kFailed, fits.error());
  // Before the start, which may wait for others, and before anybody is told that the server is
  // here.
  boost::asio::io_context signals;
  boost::asio::signal_set stop(signals, SIGTERM, SIGINT);
  std::stop_source stopping;
  stop.async_wait([&](auto, int) {
    fmt::print(stderr, "parleyd: stopping\n");
    tell_supervisor("STOPPING=1");
    stopping.request_stop();
    signals.stop();
  });
  // Its way to say that files have changed, whether or not there are any.
  if (has_supervisor()) std::signal(SIGHUP, SIG_IGN);
  tell_supervisor("STATUS=starting; /readyz on " + config.server.admin +
                  " says what is waited for");
  std::optional<CertificateWatch> certificate, peer_certificate;
  if (tls)
    certificate.emplace(signals, "the clients' port",
                        std::vector{config.server.tls_certificate, config.server.tls_key},
                        [tls] { return tls->reload(); });
  if (peer_tls)
    peer_certificate.emplace(
        signals, "the port of other processes",
        std::vector{config.peer_tls.certificate, config.peer_tls.key, config.peer_tls.authority},
        [peer_tls] { return peer_tls->reload(); });
  boost::asio::signal_set jump(signals);
  std::function<void()> wait_for_jump = [&] {
    jump.async_wait([&](boost::system::error_code cancelled, int) {
      if (cancelled) return;
      clock.shift(std::chrono::hours(-1));
      log::warn("app", "test data: the wall clock was set back an hour");
      wait_for_jump();
    });
  };
  if (arguments.test_data) {
    jump.add(SIGUSR2);
    wait_for_jump();
  }
  std::thread while_starting([&] { signals.run(); });
  auto server = Server::start(config, targets, clock, stopping.get_token());
  signals.stop();
  while_starting.join();
  if (!server && stopping.stop_requested()) return 0;
  if (!server) return complain(kFailed, server.error());

  std::vector<Server::Person> people;
  if (arguments.demo && (*server)->has_gateway()) {
    for (auto [name, display_name] : {std::pair("ann", "Ann"), std::pair("bob", "Bob")}) {
      auto person = (*server)->demo_person(name, display_name);
      if (!person) return complain(kFailed, person.error());
      people.push_back(std::move(*person));
    }
  }
  greet(**server, tls != nullptr, people);
  // The one line that programs wait for.
  fmt::print("listening on {}\n", (*server)->address());
  std::fflush(stdout);
  tell_supervisor("READY=1\nSTATUS=" + (*server)->targets() + " on " + (*server)->address());
  const Watchdog watchdog(signals, (*server)->loops());

  if (!stopping.stop_requested()) {
    signals.restart();
    signals.run();
  }
  (*server)->stop();
  return 0;
}

log::Level level_of(const std::string& name) {
  return name == "debug"  ? log::Level::debug
         : name == "info" ? log::Level::info
         : name == "warn" ? log::Level::warn
                          : log::Level::error;
}

int run(int argc, char** argv) {
  Config config;
  ConfigReader reader;
  config.declare(reader);

  Arguments arguments;
  CLI::App cli(
      "parleyd: the Parley chat server. Without arguments it serves on 127.0.0.1:7070 and keeps "
      "its data in ./parley-data.");
  cli.set_version_flag("--version", "parleyd " PARLEY_VERSION);
  cli.add_option("--config", arguments.config_file, "TOML file with settings; see --print-config");
  cli.add_flag("--demo", arguments.demo, "make two demo people and print how to sign in as them");
  cli.add_flag("--test-data", arguments.test_data,
               "serve a folder that `parleyd seed` filled; SIGUSR2 sets the clock back an hour");
  cli.add_flag("--list-targets", arguments.list_targets, "print the services and end");
  cli.add_flag("--verify-config", arguments.verify, "check the settings and end: 0 good, 2 wrong");
  cli.add_flag("--print-config", arguments.print,
               "print every setting, its value and where that came from, and end");
  for (const auto& row : reader.rows()) {
    if (row.secret) continue;
    std::string names = "--" + row.name('-');
    if (row.section == "server" &&
        (row.key == "listen" || row.key == "data" || row.key == "target"))
      names += ",--" + row.key;
    cli.add_option_function<std::string>(
           names,
           [&arguments, &row](const std::string& value) {
             arguments.settings.emplace_back(&row, value);
           },
           row.help)
        ->group("Settings");
  }
  auto* seed_command = cli.add_subcommand(
      "seed", "fill the folder of a stopped server with test people, conversations and messages");
  seed_command->fallthrough();
  seed_command->add_option("--users", arguments.plan.users, "how many people")
      ->required()
      ->check(CLI::Range(2, 10'000'000));
  seed_command->add_option("--conversations", arguments.plan.conversations, "of each person")
      ->check(CLI::Range(0, 10'000));
  seed_command->add_option("--messages", arguments.plan.messages, "in each conversation")
      ->check(CLI::Range(0, 10'000'000));
  seed_command->add_option("--groups", arguments.plan.groups, "how many, besides")
      ->check(CLI::Range(0, 10'000));
  seed_command->add_option("--group-members", arguments.plan.group_members, "of each group")
      ->check(CLI::Range(2, 100'000));
  seed_command->add_option("--tokens-file", arguments.plan.tokens_file,
                           "default: tokens.jsonl in the data folder");
  auto* migrate_command = cli.add_subcommand(
      "migrate",
      "make the tables of the servers of [mysql] and [cassandra], or bring them up to date");
  migrate_command->fallthrough();
  bool json = false;
  auto* doctor_command =
      cli.add_subcommand("doctor",
                         "look at a running set and its servers, and say what is wrong and what to "
                         "do: a line for each "
                         "check; changes nothing. Exit code 1: something is wrong");
  doctor_command->fallthrough();
  doctor_command->add_flag("--json", json, "print one JSON object instead");
  auto* from = migrate_command
                   ->add_option("--from", arguments.from,
                                "embedded: also move what the stopped server of --data has there")
                   ->check(CLI::IsMember({"embedded"}));
  auto* to = migrate_command->add_option("--to", arguments.to, "where: cluster")
                 ->check(CLI::IsMember({"cluster"}));
  from->needs(to);
  to->needs(from);
  auto* backup_command = cli.add_subcommand(
      "backup", "copy all that a server with embedded stores has, running or not, to a new folder");
  backup_command->fallthrough();
  backup_command->add_option("--to", arguments.to, "the new folder")->required();
  auto* restore_command = cli.add_subcommand(
      "restore", "make a data folder of what `parleyd backup` made, while no server runs on it");
  restore_command->fallthrough();
  restore_command->add_option("--from", arguments.from, "the backup's folder")->required();
  cli.require_subcommand(0, 1);

  try {
    cli.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int code = cli.exit(error);
    return code == 0 ? 0 : kWrongUsage;
  }
  if (arguments.list_targets) return list_targets(), 0;
  auto configured = read_config(reader, arguments);
  if (configured) configured = config.complete();
  const auto targets = parse_targets(config);
  if (configured && !targets) configured = std::unexpected(targets.error());
  if (!configured) return complain(kWrongUsage, configured.error());
  if (configured && migrate_command->parsed()) {
    std::signal(SIGPIPE, SIG_IGN);
    if (!arguments.from.empty()) log::start(level_of(config.log.level));
    auto done = arguments.from.empty() ? migrate(config) : move_up(config);
    if (done) return 0;
    return complain(done.error().code == Code::invalid_argument ? kWrongUsage : kFailed,
                    done.error());
  }
  if (configured && doctor_command->parsed()) {
    std::signal(SIGPIPE, SIG_IGN);
    log::start(log::Level::error);  // what adapters warn of is in the findings
    return doctor(config, json);
  }
  if (configured) configured = check_addresses(config, *targets);
  SystemClock clock;
  std::shared_ptr<net::Tls> tls;
  if (configured && (targets->all || targets->names.contains("gateway"))) {
    auto opened = open_certificate(config, clock);
    if (opened)
      config.gateway.edge.tls = tls = std::move(*opened);
    else
      configured = std::unexpected(opened.error());
  }
  std::shared_ptr<rpc::Security> peer_tls;
  if (configured && !targets->all) {
    auto opened = open_peer_certificate(config, clock);
    if (opened)
      config.peer_tls.opened = peer_tls = std::move(*opened);
    else
      configured = std::unexpected(opened.error());
  }
  if (!configured) return complain(kWrongUsage, configured.error());
  if (arguments.print) return fmt::print("{}", reader.print()), 0;
  if (arguments.verify) return fmt::print("the settings are good\n"), 0;

  log::start(level_of(config.log.level));
  std::signal(SIGPIPE, SIG_IGN);
  if (sodium_init() < 0)
    return complain(
        kFailed,
        {Code::internal, "libsodium cannot start: is there a source of random numbers?", "", 0});
  if (seed_command->parsed()) {
    auto done = seed(config, arguments.plan);
    return done ? 0 : complain(kFailed, done.error());
  }
  if (backup_command->parsed() || restore_command->parsed()) {
    auto done = backup_command->parsed() ? run_backup(config, arguments.to)
                                         : restore(config, arguments.from);
    return done ? 0 : complain(kFailed, done.error());
  }
  return serve(config, *targets, arguments, clock, std::move(tls), std::move(peer_tls));
}

}  // namespace
}  // namespace parley::app

int main(int argc, char** argv) { return parley::app::run(argc, argv); }
