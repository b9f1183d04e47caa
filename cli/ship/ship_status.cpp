#include "cli/ship/ship_status.h"

#include <cstdio>
#include <vector>

#include "base/json/json_object.h"
#include "base/terminal.h"
#include "base/time/clock.h"
#include "ship/ship_state.h"
#include "storage/query/event_reader.h"

namespace picortex {
namespace {

// What the store says of its order of arrival.
struct Arrivals {
  std::int64_t epoch = 0;
  std::int64_t last = 0;
};

struct Line {
  std::string name;
  ShipPosition position;
  ShipStatus status;
  ShipLag lag;
  std::string error;  // of the files themselves
};

Result<Arrivals> read_arrivals(const std::string& data_dir) {
  auto reader = EventReader::open(data_dir);
  if (!reader) return failure(reader.error().what);
  const auto epoch = (*reader)->total("arrival_epoch", 0);
  if (!epoch) return failure(epoch.error().what);
  const auto last = (*reader)->last_arrival();
  if (!last) return failure(last.error().what);
  return Arrivals{.epoch = *epoch, .last = *last};
}

Line read_line(const std::string& data_dir, const std::string& name, const Arrivals& arrivals,
               std::int64_t now_ms) {
  const ShipFiles files(data_dir, name);
  Line line{.name = name, .position = {}, .status = files.load_status(), .lag = {}, .error = {}};
  if (auto position = files.load_position()) {
    line.position = *position;
  } else {
    line.error = position.error().what;
  }
  line.lag = lag_of(line.position, arrivals.epoch, arrivals.last, now_ms);
  return line;
}

std::string in_seconds(std::int64_t ms) {
  const std::int64_t seconds = ms / 1000;
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 7200) return std::to_string(seconds / 60) + " min";
  return std::to_string(seconds / 3600) + " h";
}

std::string as_json(const Line& line) {
  std::string out;
  JsonObject(out)
      .text("target", line.status.target)
      .text("name", line.name)
      .text("state", line.status.state)
      .number("lag_events", line.lag.events)
      .number("lag_ms", line.lag.ms)
      .number("events_per_second", line.status.rate)
      .number("shipped", line.position.shipped)
      .number("rejected", line.position.rejected)
      .number("lapsed", line.position.lapsed)
      .text("error", line.error.empty() ? line.status.error : line.error)
      .number("retries", line.status.retries);
  return out + '\n';
}

std::string as_text(const Line& line) {
  const std::string& target = line.status.target.empty() ? line.name : line.status.target;
  char rate[32];
  std::snprintf(rate, sizeof rate, "%.1f", line.status.rate);
  std::string out;
  append_visible(out, target);
  out += '\n';
  const auto add = [&out](std::string_view name, const std::string& value) {
    out.append("  ").append(name).append(12 - name.size(), ' ');
    append_visible(out, value);
    out += '\n';
  };
  add("state", line.status.state.empty() ? "unknown" : line.status.state);
  add("lag", std::to_string(line.lag.events) + " events, " + in_seconds(line.lag.ms));
  add("shipped", std::to_string(line.position.shipped) + " events, " + rate + " a second");
  if (line.position.rejected > 0) {
    add("rejected", std::to_string(line.position.rejected) + " events, see rejected.ndjson");
  }
  if (line.position.lapsed > 0) {
    add("lapsed",
        std::to_string(line.position.lapsed) + " events, deleted before they were shipped");
  }
  const std::string& error = line.error.empty() ? line.status.error : line.error;
  if (!error.empty()) add("error", error);
  return out;
}

}  // namespace

int show_ship_status(const ShipOptions& options) {
  const auto names = shipped_targets(options.data_dir);
  if (names.empty()) {
    print_notice("ship", "nothing has been shipped from " + display(options.data_dir));
    return 0;
  }
  const auto arrivals = read_arrivals(options.data_dir);
  if (!arrivals) return print_error("ship", arrivals.error().what);
  std::string out;
  for (const std::string& name : names) {
    const Line line = read_line(options.data_dir, name, *arrivals, kSystemClock.unix_ms());
    out += options.json ? as_json(line) : as_text(line);
  }
  if (std::fputs(out.c_str(), stdout) < 0 || std::fflush(stdout) != 0) {
    return print_error("ship", "cannot write to stdout");
  }
  return 0;
}

}  // namespace picortex
