#include "cli/commands/turns.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "base/json/json_text.h"
#include "base/terminal.h"
#include "base/text.h"
#include "base/time/clock.h"
#include "cli/commands/logs.h"
#include "cli/commands/time_expression.h"
#include "daemon/config/serve_options.h"

namespace picortex {
namespace {

constexpr std::size_t kChatWidthMax = 24;
constexpr std::size_t kHostsShown = 2;

// With `digits` digits after the point.
std::string decimal(double number, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, number);
  return text;
}

std::string two_digits(std::int64_t number) {
  return (number < 10 ? "0" : "") + std::to_string(number);
}

std::string seconds(std::int64_t ms) {
  if (ms < 60'000) return decimal(static_cast<double>(ms) / 1000, 1) + 's';
  const std::int64_t whole = ms / 1000;
  if (whole < 3600) return std::to_string(whole / 60) + 'm' + two_digits(whole % 60) + 's';
  return std::to_string(whole / 3600) + 'h' + two_digits(whole / 60 % 60) + 'm';
}

std::string count(std::int64_t number) {
  if (number < 10'000) return std::to_string(number);
  if (number < 10'000'000) return decimal(static_cast<double>(number) / 1e3, 1) + 'k';
  return decimal(static_cast<double>(number) / 1e6, 1) + 'M';
}

// "at least" where some calls did not say what they cost.
std::string cost(const Turn& turn) {
  if (!turn.has_cost) return "unknown";
  const std::string sum = '$' + decimal(static_cast<double>(turn.counts.cost_micros) / 1e6, 4);
  return turn.counts.unknown_costs > 0 ? ">=" + sum : sum;
}

std::string with_failed(std::int64_t all, std::int64_t failed) {
  return std::to_string(all) + (failed > 0 ? " (" + std::to_string(failed) + " failed)" : "");
}

// "2 denied: a.example, b.example"
std::string denials(const Turn& turn, std::size_t hosts_max) {
  std::string text = std::to_string(turn.denied) + " denied";
  for (std::size_t i = 0; i < std::min(turn.denied_hosts.size(), hosts_max); ++i) {
    text += (i == 0 ? ": " : ", ") + visible(turn.denied_hosts[i]);
  }
  return text + (turn.denied_hosts.size() > hosts_max ? ", …" : "");
}

std::string upload(const Turn& turn) { return turn.bytes_up ? count(*turn.bytes_up) : "unknown"; }

std::string state(const Turn& turn) {
  return std::string(turn_state_label(turn.state)) + (turn.is_claimed ? ", claimed" : "");
}

using Row = std::array<std::string, 14>;

const Row kHead{"START", "CHAT",  "TOOK",  "CALLS",  "TOKENS",  "CACHED", "OUT",
                "COST",  "TOOLS", "ASKED", "ERRORS", "NETWORK", "UP",     "STATE"};

Row row_of(const Turn& turn) {
  const TurnCounts& counts = turn.counts;
  return {local_time(turn.start_ms).substr(0, 19),
          turn.chat_id.empty() ? "-" : visible(cut_to(turn.chat_id, kChatWidthMax)),
          seconds(turn.end_ms - turn.start_ms),
          std::to_string(counts.model_calls),
          count(counts.input_tokens + counts.cache_creation_tokens),
          count(counts.cache_read_tokens),
          count(counts.output_tokens),
          cost(turn),
          with_failed(counts.tools, counts.failed_tools),
          turn.permission_ms() > 0 ? seconds(turn.permission_ms()) : "-",
          std::to_string(counts.api_errors) +
              (counts.retries > 0 ? " +" + std::to_string(counts.retries) + " retries" : ""),
          std::to_string(turn.connections) +
              (turn.denied > 0 ? " (" + denials(turn, kHostsShown) + ")" : ""),
          turn.bytes_up ? count(*turn.bytes_up) : "-",
          state(turn)};
}

}  // namespace

std::string render_turns(const std::vector<Turn>& turns) {
  std::vector<Row> rows{kHead};
  for (const Turn& turn : turns) rows.push_back(row_of(turn));
  std::array<std::size_t, kHead.size()> widths{};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (std::size_t number = 0; number < rows.size(); ++number) {
    for (std::size_t i = 0; i < kHead.size(); ++i) {
      out += rows[number][i];
      out.append(widths[i] - rows[number][i].size() + 2, ' ');
    }
    out += number == 0 ? "REQUEST" : to_string(turns[number - 1].request_id);
    out += '\n';
  }
  return out;
}

std::string render_turn(const Turn& turn) {
  const TurnCounts& counts = turn.counts;
  std::string out = "turn: " + state(turn) + ", took " + seconds(turn.end_ms - turn.start_ms) +
                    ", cost " + cost(turn) + '\n';
  out += "  model calls " + std::to_string(counts.model_calls) + ", tokens " +
         count(counts.input_tokens) + " fresh, " + count(counts.cache_creation_tokens) +
         " into the cache, " + count(counts.cache_read_tokens) + " cached, " +
         count(counts.output_tokens) + " out\n";
  out += "  tools " + with_failed(counts.tools, counts.failed_tools) + ", rejected " +
         std::to_string(counts.rejected_tools) + ", waited for permission " +
         seconds(turn.permission_ms()) + '\n';
  out += "  API errors " + std::to_string(counts.api_errors) + ", retries " +
         std::to_string(counts.retries) + ", connections " + std::to_string(turn.connections) +
         ", " + denials(turn, Turn::kDeniedHostsMax) + ", bytes up " + upload(turn) + '\n';
  if (turn.lost_records > 0) {
    out += "  " + std::to_string(turn.lost_records) +
           " records of its process are lost: the sums are too low\n";
  }
  return out;
}

std::string render_cost_check(const CostCheck& check) {
  const auto dollars = [](std::int64_t micros) {
    return '$' + decimal(static_cast<double>(micros) / 1e6, 4);
  };
  std::string out = dollars(check.call_micros) + " by model calls, " +
                    dollars(check.metric_micros) + " by the client's own metric, of " +
                    std::to_string(check.runs) + (check.runs == 1 ? " process" : " processes");
  if (!check.disagrees()) return out + ": they agree";
  if (check.runs_above > 0) {
    out += "; the metric says more for " + std::to_string(check.runs_above) +
           ": calls that were interrupted are in no turn";
  }
  if (check.runs_below > 0) {
    out += "; it says less for " + std::to_string(check.runs_below) +
           ": a part of the metric was lost";
  }
  return out;
}

Result<TurnsOptions> read_turns_options(Settings& settings) {
  TurnsOptions options;
  read_zone(settings);
  options.data_dir = read_data_dir(settings);
  auto fleet = read_fleet(settings);
  options.json = settings.toggle(kAnswerJson);
  options.filter.chat_id = read_chat_filter(settings);
  options.filter.order = settings.one(kTurnsSort, parse_turn_order);
  options.filter.limit = settings.number(kTurnsLimit);
  EventFilter times;
  read_times(settings, times, true);
  options.filter.since_ms = times.since_ms;
  options.filter.until_ms = times.until_ms;
  if (settings.error()) return std::unexpected(*settings.error());
  if (!fleet) return failure("turns: " + fleet.error().what);
  options.fleet = *std::move(fleet);
  return options;
}

int turns(const TurnsOptions& options) {
  auto source = open_source(options.data_dir, options.fleet);
  if (!source) return print_error("turns", source.error().what);
  const auto found = (*source)->turns(options.filter);
  if (!found) return print_error("turns", found.error().what);
  std::string out;
  if (options.json) {
    for (const Turn& turn : *found) {
      append_turn_json(out, turn);
      out += '\n';
    }
  } else if (found->empty()) {
    std::fprintf(stderr,
                 "picortex: turns: no turn fits; does the agent send its telemetry? See "
                 "picortex claude status\n");
  } else {
    out = "times are " + zone_name(found->front().start_ms) + '\n' + render_turns(*found);
  }
  std::fputs(out.c_str(), stdout);
  const auto costs = (*source)->check_costs(SystemClock().unix_ms());
  if (costs && *costs && (*costs)->disagrees()) {
    std::fprintf(stderr, "picortex: turns: cost: %s\n", render_cost_check(**costs).c_str());
  }
  return std::fflush(stdout) == 0 ? 0 : print_error("turns", "cannot write to stdout");
}

}  // namespace picortex
