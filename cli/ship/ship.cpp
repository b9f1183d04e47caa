#include "cli/ship/ship.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <optional>
#include <thread>
#include <utility>

#include "base/ascii.h"
#include "base/terminal.h"
#include "cli/ship/ship_status.h"
#include "daemon/config/serve_options.h"
#include "ship/clickhouse_schema.h"
#include "ship/http/http_client.h"
#include "ship/shipper.h"

namespace picortex {
namespace {

// Each has a thread and a batch of its own. Together they stay within 64 MiB: a batch is there up
// to three times while it is frozen or sent.
constexpr std::size_t kTargetsMax = 4;
constexpr std::size_t kBatchBytesMax = std::size_t{4} << 20;
std::string own_host_name() {
  char name[256] = {};
  if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') return "localhost";
  return name;
}

std::optional<std::string> parse_own_label(std::string_view text) {
  return text.empty() ? own_host_name() : parse_host_label(text);
}

int init(const ShipOptions& options) {
  const shipping::StopSignal stop;
  for (const ShipTarget& target : options.targets) {
    if (target.kind != ShipTarget::Kind::clickhouse) {
      print_notice("ship", target.shown + " needs no table");
      continue;
    }
    shipping::HttpClient client(target, stop.flag());
    const auto version = shipping::ask_version(target, client);
    if (!version && options.apply) return print_error("ship", version.error().what);
    const shipping::ClickHouseVersion oldest{18, 16};
    if (!version) {
      print_notice("ship", version.error().what + "; this is for the oldest version, 18.16");
    }
    const std::string sql = shipping::clickhouse_schema(target, version.value_or(oldest));
    if (!options.apply) {
      std::printf("%s", (sql + ";\n").c_str());
      continue;
    }
    const auto done = shipping::run_statement(target, client, sql);
    if (!done) return print_error("ship", done.error().what);
    std::printf("%s is there\n", target.shown.c_str());
  }
  if (std::fflush(stdout) != 0) return print_error("ship", "cannot write to stdout");
  return 0;
}

int run(const ShipOptions& options) {
  umask(077);
  // Blocked before the first thread is made, so that all inherit it and sigwait(3) gets them.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  std::signal(SIGPIPE, SIG_IGN);
  shipping::StopSignal stop;
  std::vector<std::unique_ptr<shipping::Shipper>> shippers;
  for (const ShipTarget& target : options.targets) {
    auto shipper = shipping::Shipper::open(target, options.data_dir, options.host,
                                           kBatchBytesMax / options.targets.size(), stop);
    if (!shipper) return print_error("ship", shipper.error().what);
    shippers.push_back(*std::move(shipper));
  }
  std::vector<std::thread> threads;
  for (const auto& shipper : shippers) {
    threads.emplace_back([&shipper] { shipper->run(); });
  }
  int signal = 0;
  while (sigwait(&signals, &signal) != 0) continue;
  stop.set();
  for (std::thread& thread : threads) thread.join();
  return 0;
}

}  // namespace

Result<ShipOptions> read_ship_options(Settings& settings, ShipVerb verb) {
  ShipOptions options{.verb = verb, .data_dir = {}, .targets = {}, .host = {}};
  options.data_dir = read_data_dir(settings);
  if (verb == ShipVerb::status) {
    options.json = settings.toggle(kAnswerJson);
  } else {
    options.targets = settings.each(kShipTo, ShipTarget::parse);
    if (verb == ShipVerb::run) options.host = settings.one(kShipHost, parse_own_label);
    if (verb == ShipVerb::init) options.apply = settings.toggle(kShipApply);
  }
  if (settings.error()) return std::unexpected(*settings.error());
  if (verb == ShipVerb::status) return options;
  if (options.targets.empty()) {
    return failure(
        "ship: there is no target: give --to URL, or a line PICORTEX_SHIP_TO=URL of the "
        "config file");
  }
  if (options.targets.size() > kTargetsMax) return failure("ship: there are more than 4 targets");
  for (std::size_t i = 0; i < options.targets.size(); ++i) {
    for (std::size_t k = 0; k < i; ++k) {
      if (options.targets[i].name == options.targets[k].name) {
        return failure("ship: the target " + options.targets[i].shown + " is there twice");
      }
    }
  }
  return options;
}

int ship(const ShipOptions& options) {
  if (options.verb == ShipVerb::status) return show_ship_status(options);
  if (auto prepared = shipping::HttpClient::prepare_process(); !prepared) {
    return print_error("ship", prepared.error().what);
  }
  return options.verb == ShipVerb::init ? init(options) : run(options);
}

}  // namespace picortex
