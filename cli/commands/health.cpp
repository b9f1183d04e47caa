#include "cli/commands/health.h"

#include <simdjson.h>

#include <array>
#include <cstdio>
#include <optional>
#include <utility>

#include "base/json/json_text.h"
#include "base/parse.h"
#include "base/terminal.h"
#include "cli/client/event_post.h"
#include "cli/client/http_client.h"
#include "daemon/config/serve_options.h"

namespace picortex {
namespace {

using simdjson::dom::element;

constexpr std::array<std::pair<const char*, const char*>, 6> kMetrics{
    {{"chats_total", "chats"},
     {"chats_active_7d", "chats in 7 days"},
     {"turns_total", "turns"},
     {"turns_last_24h", "turns in 24 hours"},
     {"discriminator_skipped_24h", "skipped in 24 hours"},
     {"errors_last_24h", "errors in 24 hours"}}};

std::optional<std::chrono::milliseconds> parse_time_limit(std::string_view text) {
  constexpr DurationUnit kUnits[] = {{"ms", 1}, {"s", 1'000}};
  const auto limit_ms = parse_duration(text, kUnits, 1, 300'000);
  if (!limit_ms) return std::nullopt;
  return std::chrono::milliseconds(*limit_ms);
}

std::string uptime_in_words(double uptime_seconds) {
  const auto seconds = static_cast<std::int64_t>(uptime_seconds);
  const std::int64_t days = seconds / 86'400;
  const std::int64_t hours = seconds / 3'600 % 24;
  const std::int64_t minutes = seconds / 60 % 60;
  const auto count = [](std::int64_t number, std::string_view unit) {
    return std::to_string(number) + ' ' + std::string(unit) + (number == 1 ? "" : "s");
  };
  if (days > 0) return count(days, "day") + ' ' + count(hours, "hour");
  if (hours > 0) return count(hours, "hour") + ' ' + count(minutes, "minute");
  if (minutes > 0) return count(minutes, "minute") + ' ' + count(seconds % 60, "second");
  return count(seconds, "second");
}

// Appends one aligned line; `value` may hold any bytes.
void append_line(std::string& out, std::string_view name, std::string_view value) {
  constexpr std::size_t kColumn = 22;
  out.append("  ").append(name).append(kColumn - name.size(), ' ');
  append_json_escaped(out, value.substr(0, 200));
  out += '\n';
}

class HealthText {
 public:
  explicit HealthText(bool colored) : colored_(colored) {}

  // Throws simdjson_error when a member is missing or of another type.
  HealthReport render(const element& body, const ListenAddress& server) {
    const std::string_view status = body["status"].get_string();
    HealthReport report{status == "ok", "picortex is "};
    std::string& out = report.text;
    std::string shown;
    append_json_escaped(shown, status.substr(0, 200));
    out += paint(shown, report.is_ok) + '\n';
    append_line(out, "address", server.text());
    append_line(out, "version", body["version"].get_string());
    append_line(out, "commit", body["commit"].get_string());
    const double uptime_seconds = body["uptime_seconds"].get_double();
    if (!(uptime_seconds >= 0 && uptime_seconds < 1e12)) {
      throw simdjson::simdjson_error(simdjson::NUMBER_OUT_OF_RANGE);
    }
    append_line(out, "up for", uptime_in_words(uptime_seconds));
    out += state("database", body["db_ok"].get_bool(), "ok", "failing");
    out += state("tmux", body["tmux_ok"].get_bool(), "ok", "not answering");
    for (const auto& [member, name] : kMetrics) {
      const std::int64_t value = body["metrics"][member].get_int64();
      append_line(out, name, std::to_string(value));
    }
    return report;
  }

 private:
  std::string paint(std::string_view text, bool is_good) const {
    if (!colored_) return std::string(text);
    return std::string(is_good ? kGreen : kRed).append(text).append(kPlain);
  }

  std::string state(std::string_view name, bool is_good, std::string_view good,
                    std::string_view bad) const {
    std::string line;
    append_line(line, name, "");
    line.pop_back();
    return line + paint(is_good ? good : bad, is_good) + '\n';
  }

  const bool colored_;
};

// Appends valid JSON `body`, escaping every non-ASCII or control byte that a terminal would act on.
// Such bytes occur only inside strings.
void append_printable_json(std::string& out, std::string_view body) {
  const auto is_plain = [](char c) { return (c >= ' ' && c <= '~') || c == '\n'; };
  for (std::size_t i = 0; i < body.size();) {
    std::size_t end = i;
    while (end < body.size() && is_plain(body[end])) ++end;
    out.append(body.substr(i, end - i));
    i = end;
    while (end < body.size() && !is_plain(body[end])) ++end;
    // Between tokens, JSON allows tab and carriage return, where an escape would be wrong.
    const std::string_view careful = body.substr(i, end - i);
    if (careful.find_first_of("\t\r") == std::string_view::npos) append_json_escaped(out, careful);
    i = end;
  }
}

std::unexpected<Error> not_health(const ListenAddress& server, const char* why) {
  return failure(server.text() + " answered with something that is not picortex's health: " + why);
}

// What only the token's holders may know.
std::string ask_for_problems(const HealthOptions& options) {
  constexpr std::string_view kUnknown =
      "  why: picortex doctor, run as root or the daemon's user, says it\n";
  const auto token = read_token(options.data_dir);
  if (!token) return std::string(kUnknown);
  const auto reply = ask(options.server, {.method = "GET", .path = "/api/status", .token = &*token},
                         options.time_limit);
  const std::string problems = reply ? describe_problems(reply->body) : std::string();
  return problems.empty() ? std::string(kUnknown) : problems;
}

}  // namespace

Result<ListenAddress> read_server(Settings& settings) {
  const auto addresses = settings.list(kListen, ListenAddress::parse);
  if (settings.error()) return std::unexpected(*settings.error());
  return addresses.front().reachable();
}

Result<HealthOptions> read_health_options(Settings& settings) {
  auto server = TRY(read_server(settings));
  if (server.family() != AF_UNIX && server.port() == 0) {
    return failure("--listen: " + server.text() + " names no port to ask: give the daemon's own");
  }
  auto data_dir = read_data_dir(settings);
  const auto time_limit = settings.one(kHealthTimeout, parse_time_limit);
  const bool json = settings.toggle(kHealthJson);
  if (settings.error()) return std::unexpected(*settings.error());
  return HealthOptions{server, std::move(data_dir), time_limit, json};
}

Result<HealthReport> describe_health(std::string_view body, const ListenAddress& server,
                                     bool colored) {
  simdjson::dom::parser parser;
  try {
    const element document = parser.parse(body.data(), body.size());
    return HealthText(colored).render(document, server);
  } catch (const simdjson::simdjson_error& error) {
    return not_health(server, error.what());
  }
}

Result<HealthReport> quote_health(std::string_view body, const ListenAddress& server) {
  simdjson::dom::parser parser;
  std::string_view status;
  if (const auto error = parser.parse(body.data(), body.size())["status"].get(status)) {
    return not_health(server, simdjson::error_message(error));
  }
  HealthReport report{status == "ok", {}};
  append_printable_json(report.text, body);
  if (!report.text.ends_with('\n')) report.text += '\n';
  return report;
}

std::string describe_problems(std::string_view body) {
  simdjson::dom::parser parser;
  simdjson::dom::array problems;
  std::string out;
  if (parser.parse(body.data(), body.size())["health"]["problems"].get(problems)) return out;
  for (const element problem : problems) {
    std::string_view part;
    std::string_view reason;
    std::string_view fix;
    if (problem["part"].get(part) || problem["reason"].get(reason) || problem["fix"].get(fix)) {
      continue;
    }
    out += "  ";
    append_visible(out, part);
    out += ": ";
    append_visible(out, reason);
    out += "\n    fix: ";
    append_visible(out, fix);
    out += '\n';
  }
  return out;
}

int health(const HealthOptions& options) {
  const auto reply = ask(options.server, {.method = "GET", .path = "/health"}, options.time_limit);
  if (!reply) return print_error("health", reply.error().what);
  auto report = options.json ? quote_health(reply->body, options.server)
                             : describe_health(reply->body, options.server, stdout_is_coloured());
  if (!report) return print_error("health", report.error().what);
  if (!report->is_ok && !options.json) report->text += ask_for_problems(options);
  std::fputs(report->text.c_str(), stdout);
  if (std::fflush(stdout) != 0) return print_error("health", "cannot write to stdout");
  return report->is_ok ? 0 : 1;
}

}  // namespace picortex
