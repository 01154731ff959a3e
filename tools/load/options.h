#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace parley::load {

enum class Mode : std::uint8_t { traffic, resumes, echo };

/// What the command line asks for; see `parley-load --help`. Durations are in seconds.
struct Options {
  std::string server;  // host:port
  bool tls = false;
  std::string ca;
  std::string tokens;
  std::size_t sign_up = 0;
  Mode mode = Mode::traffic;
  bool fresh_tokens = false;  // resumes: by a token that the server has not seen

  std::size_t first_user = 0;
  std::size_t users = 0;  // 0: all of the file
  std::size_t processes = 1;
  std::size_t devices = 1;
  std::size_t senders = 0;        // 0: everyone
  std::size_t conversations = 0;  // 0: everyone has one
  std::size_t groups = 0;
  bool groups_of_file = false;  // those that the tokens' file names, instead
  std::size_t group_members = 10;
  std::size_t group_posters = 0;  // 0: every member posts
  double group_ratio = 0.5;       // of the sends; 1: there are no pairs
  bool until_everywhere = false;  // closed loop: a send is under way until every device has it
  double typing = 0;              // of the sends before which their sender types
  double presence = 0;            // of the devices that watch
  double rate = 0;                // messages a second, over all processes; 0: closed loop
  std::size_t outstanding = 1;    // closed loop: of one sender; resumes: of the process
  std::size_t messages = 0;       // of one sender; 0: no limit
  std::size_t text_bytes = 128;
  double warm_up = 0;
  double duration = 10;
  double hold = 0;
  bool say_when = false;
  double drop_rate = 0;
  double read_every = 5;
  double settle = 20;
  bool kill_aware = false;
  bool one_history = false;
  bool no_views = false;
  std::uint64_t seed = 1;
  unsigned sources = 1;
  std::size_t connecting = 64;
  std::string report;
  bool quiet = false;
};

/// Reads the command line. Prints help, or what is wrong, and ends the process (0, or 2).
Options parse_options(int argc, char** argv);

}  // namespace parley::load
