#pragma once
#include <string>
#include <vector>

#include "app/config.h"

namespace parley::app {

/// What `parleyd doctor` found: one look at one thing.
struct Finding {
  enum class Level { ok, warning, wrong };
  Level level;
  std::string what;  // was looked at: "MySQL at 127.0.0.1:3306"
  std::string says;
  std::string todo = {};  // where it is not ok
};
using Findings = std::vector<Finding>;

// Each looks at one part of the set that the configuration describes, changes nothing, and blocks,
// for some seconds where something does not answer.

/// A process that runs somewhere, and where it answers operators.
struct KnownProcess {
  std::string name, admin;
};
/// The servers that the configuration names: whether they answer, and whether what Parley needs is
/// in them. `processes`: those that ZooKeeper lists are added.
void look_at_servers(const Config& config, Findings& out, std::vector<KnownProcess>& processes);
/// What each process says of itself.
void look_at_processes(const std::vector<KnownProcess>& processes, Findings& out);
/// Whether the addresses at which processes find each other take connections.
void look_at_ports(const Config& config, Findings& out);
/// What is on this machine: certificates, and, where stores are in it, the data folder.
void look_at_files(const Config& config, Findings& out);

/// `parleyd doctor`: prints a line for each finding, or with `json` one object; what is wrong with
/// what to do. Returns the exit code: 1 if something is wrong.
int doctor(const Config& config, bool json);

}  // namespace parley::app
