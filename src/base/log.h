#pragma once
#include <fmt/format.h>
#include <string_view>

/// Structured enough to grep: `event key=value ...`. Never message content, never a token or a
/// password.
namespace parley::log {

enum class Level { debug, info, warn, error };

/// Where to: standard error, or nowhere in tests. `level` is the least that is written.
void start(Level level);
bool enabled(Level level);
void write(Level level, std::string_view unit, std::string_view text);

template <class... A>
void debug(std::string_view unit, fmt::format_string<A...> f, A&&... a) {
  if (enabled(Level::debug)) write(Level::debug, unit, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void info(std::string_view unit, fmt::format_string<A...> f, A&&... a) {
  if (enabled(Level::info)) write(Level::info, unit, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void warn(std::string_view unit, fmt::format_string<A...> f, A&&... a) {
  if (enabled(Level::warn)) write(Level::warn, unit, fmt::format(f, std::forward<A>(a)...));
}
template <class... A>
void error(std::string_view unit, fmt::format_string<A...> f, A&&... a) {
  if (enabled(Level::error)) write(Level::error, unit, fmt::format(f, std::forward<A>(a)...));
}

}  // namespace parley::log
