#include "app/services.h"

namespace parley::app {
namespace {
constexpr ServiceRow kServices[] = {
    {"session", "", "memory", "which user is on which gateway"},
    {"presence", "session gateway", "SQLite", "who is online, when the others were last seen"},
    {"auth", "", "SQLite", "sign-up, sign-in, tokens"},
    {"user", "auth", "SQLite", "profiles, devices, finding people"},
    {"notification", "", "SQLite", "who must be pushed"},
    {"message", "user session notification gateway", "log + RocksDB",
     "conversation logs, marks, inboxes, the duty to deliver"},
    {"group", "message user session notification", "SQLite",
     "groups, their members, the fan-out of their entries"},
    {"gateway", "message auth user session", "-", "client connections: WebSocket and REST"},
};
}  // namespace

std::span<const ServiceRow> services() { return kServices; }

}  // namespace parley::app
