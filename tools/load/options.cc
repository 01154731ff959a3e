#include "options.h"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <map>

namespace parley::load {
namespace {

constexpr const char* kAbout =
    "Loads a Parley server and proves what it did.\n\n"
    "Every acknowledged message is recorded, and so is every entry that each device received. At "
    "the\n"
    "end the full history is read and compared: none lost, none doubled, none out of order, all\n"
    "members agree, unread counts exact. Exit code 0: proved; 1: could not run; 2: wrong usage;\n"
    "3: the server broke a promise, and the offending entries are printed.";

constexpr const char* kExamples =
    "Examples:\n"
    "  parley-load --server 127.0.0.1:8080 --sign-up 4 --rate 20 --duration 10\n"
    "  parleyd seed --data /var/tmp/seeded --users 128 --tokens-out tokens.jsonl\n"
    "  parley-load --server 127.0.0.1:8080 --tokens tokens.jsonl --senders 64 --outstanding 16\n"
    "  parley-load --server 127.0.0.1:8080 --tokens tokens.jsonl --rate 2000 --drop-rate 5 "
    "--devices 2\n"
    "  parley-load --server 127.0.0.1:8080 --tokens tokens.jsonl --rate 500 --groups 10 "
    "--group-members 20 --typing 0.2 --presence 0.5\n"
    "  parley-load --server 127.0.0.1:8080 --tokens tokens.jsonl --mode resumes --outstanding 64\n";

}  // namespace

Options parse_options(int argc, char** argv) {
  Options o;
  CLI::App app(kAbout, "parley-load");
  app.footer(kExamples);
  app.get_formatter()->column_width(34);
  const std::map<std::string, Mode> modes{
      {"traffic", Mode::traffic}, {"resumes", Mode::resumes}, {"echo", Mode::echo}};
  std::string mode = "traffic";

  app.add_option("--server", o.server, "host:port of the server, or https://host:port")->required();
  app.add_option("--ca", o.ca,
                 "PEM file of the certificates to trust, instead of the system's roots")
      ->check(CLI::ExistingFile);
  app.add_option("--mode", mode,
                 "traffic: send and receive; resumes: come back again and again, by ticket;\n"
                 "echo: --rate messages a second against a raw echo server, for a floor")
      ->check(CLI::IsMember({"traffic", "resumes", "echo"}))
      ->capture_default_str();
  app.add_option("--seed", o.seed, "of every random choice")->capture_default_str();
  app.add_option("--report", o.report, "write the result to this file as JSON");
  app.add_flag("--quiet", o.quiet, "no progress line");

  const auto who = app.add_option_group("Who");
  who->add_option("--tokens", o.tokens,
                  "sign-ins, one JSON object a line, as `parleyd seed` writes")
      ->check(CLI::ExistingFile);
  who->add_option("--sign-up", o.sign_up, "sign up this many new people instead (slow)");
  who->add_option("--first-user", o.first_user, "skip so many people of the file");
  who->add_option("--users", o.users, "how many people (default: all of the file)");
  who->add_option("--devices", o.devices, "connections of each person, one per token of the file")
      ->check(CLI::Range(1, 8))
      ->capture_default_str();
  who->add_option("--processes", o.processes, "share the people among so many processes")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  who->add_option("--senders", o.senders,
                  "only the first so many people send, to the others (default: everyone sends)");
  who->add_option("--conversations", o.conversations,
                  "how many pairs talk (default: one for each person)");
  who->add_option("--groups", o.groups, "make so many groups first, over HTTP");
  who->add_flag("--groups-of-file", o.groups_of_file,
                "use the groups that the file names (parleyd seed --groups), those members of them "
                "that take part; one process");
  who->add_option("--group-members", o.group_members)
      ->check(CLI::Range(2, 100'000))
      ->capture_default_str();
  who->add_option("--group-posters", o.group_posters,
                  "only the first so many members of a group post (default: all)");
  who->add_option("--group-ratio", o.group_ratio,
                  "share of the sends of somebody in a group that go to groups; 1: nobody talks in "
                  "pairs")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  who->add_option("--sources", o.sources, "spread over so many loopback source addresses")
      ->check(CLI::Range(1, 250));
  who->add_option("--connecting", o.connecting, "connections that may be under way at once")
      ->check(CLI::Range(1, 1024))
      ->capture_default_str();

  const auto what = app.add_option_group("What");
  auto* rate = what->add_option(
      "--rate", o.rate, "open loop: messages a second; latency counts from the intended time");
  what->add_option("--outstanding", o.outstanding,
                   "closed loop: unanswered sends of each sender; resumes: under way at once")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str()
      ->excludes(rate);
  what->add_option("--messages", o.messages, "stop after so many messages of each sender");
  what->add_option("--text-bytes", o.text_bytes)
      ->check(CLI::Range(1, 16384))
      ->capture_default_str();
  what->add_option("--warm-up", o.warm_up, "seconds of load before measuring")
      ->capture_default_str();
  what->add_option("--duration", o.duration, "seconds of load that are measured")
      ->capture_default_str();
  what->add_option("--hold", o.hold,
                   "then stay connected and silent for so many seconds (prints `holding N`)");
  what->add_flag("--say-when", o.say_when,
                 "print `measuring` and `measured` when the measured seconds begin and end");
  what->add_option("--read-every", o.read_every,
                   "seconds between two read marks of a device; 0: nobody reads")
      ->capture_default_str();
  what->add_flag("--until-everywhere", o.until_everywhere,
                 "closed loop: a send is under way until every device of the conversation has it")
      ->excludes(rate);
  what->add_option("--typing", o.typing, "share of the sends before which their sender types")
      ->check(CLI::Range(0.0, 1.0));
  what->add_option("--presence", o.presence, "share of the devices that watch with whom they talk")
      ->check(CLI::Range(0.0, 1.0));
  what->add_option("--drop-rate", o.drop_rate, "devices a second that drop and come back");
  what->add_flag("--kill-aware", o.kill_aware,
                 "the server may vanish: come back, resume, and resend what was not acknowledged");
  what->add_flag("--fresh-tokens", o.fresh_tokens,
                 "resumes: each by another token of the file, not by ticket");

  const auto proof = app.add_option_group("Proof");
  proof->add_option("--settle", o.settle, "seconds that the server has to deliver the rest")
      ->capture_default_str();
  proof->add_flag("--one-history", o.one_history, "read the history of one member only");
  proof->add_flag("--no-views", o.no_views, "do not compare unread counts");
  try {
    app.parse(argc, argv);
    o.mode = modes.at(mode);
    o.tls = o.server.starts_with("https://");
    o.server.erase(0, o.tls ? 8 : o.server.starts_with("http://") ? 7 : 0);
    if (o.mode != Mode::echo && o.tokens.empty() == (o.sign_up == 0))
      throw CLI::ValidationError("give either --tokens or --sign-up");
    if (o.groups_of_file && (o.groups != 0 || o.processes != 1 || o.tokens.empty()))
      throw CLI::ValidationError("--groups-of-file: with --tokens, one process, no --groups");
    if (o.mode == Mode::echo && o.rate <= 0) throw CLI::ValidationError("echo needs --rate");
  } catch (const CLI::ParseError& error) {
    std::exit(app.exit(error) == 0 ? 0 : 2);
  }
  return o;
}

}  // namespace parley::load
