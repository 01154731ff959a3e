#include <fmt/format.h>

#include "cli/commands.h"
#include "cli/text.h"

namespace parley::cli {
namespace {

Awaitable<Outcome<void>> devices(Context& context, std::string remove) {
  auto api = context.sign_on();
  if (!api) co_return std::unexpected(api.error());
  if (!remove.empty()) {
    auto done =
        co_await (*api)->call<v1::Devices>("DELETE", "/v1/devices/" + client::url_escape(remove));
    if (!done) co_return std::unexpected(done.error());
    if (!context.json) print_line(fmt::format("Signed out device {}.", remove));
    co_return Outcome<void>{};
  }
  auto all = co_await (*api)->call<v1::Devices>("GET", "/v1/devices");
  if (!all) co_return std::unexpected(all.error());
  if (!context.json) print_line(fmt::format("{:<20} {:<17} {}", "DEVICE", "LAST USED", "NAME"));
  for (const auto& device : all->devices()) {
    if (context.json)
      print_json(device);
    else
      print_line(fmt::format("{:<20} {:<17} {}{}", device.device_id(),
                             date_time(device.last_used_ms()), printable(device.name()),
                             device.current() ? "  (this one)" : ""));
  }
  co_return Outcome<void>{};
}

}  // namespace

void add_devices(CLI::App& app, Context& context) {
  auto* command = app.add_subcommand("devices", "List where you are signed in, or sign one out");
  auto remove = std::make_shared<std::string>();
  command->add_option("--sign-out", *remove, "Sign out the device of this number");
  command->footer("Examples:\n  parley devices\n  parley devices --sign-out 7301444403200");
  command->callback([&context, remove] {
    context.command = [&context, remove] { return devices(context, *remove); };
  });
}

}  // namespace parley::cli
