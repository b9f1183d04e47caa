#include "cli/health.h"

#include <simdjson.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <utility>

#include "base/json_text.h"
#include "cli/display.h"
#include "cli/http_client.h"

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
  std::int64_t scale = 1;
  if (text.ends_with("ms")) {
    text.remove_suffix(2);
  } else if (text.ends_with('s')) {
    text.remove_suffix(1);
    scale = 1000;
  } else {
    return std::nullopt;
  }
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (value < 1 || value > 300'000 / scale) return std::nullopt;
  return std::chrono::milliseconds(value * scale);
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

// Appends one aligned line; `value` may hold anything.
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
    return std::string(is_good ? "\x1b[32m" : "\x1b[31m") + std::string(text) + "\x1b[0m";
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

// Appends valid JSON `body` with all but ASCII escaped where a terminal would act on it. Outside of
// its strings such bytes do not occur.
void append_printable_json(std::string& out, std::string_view body) {
  const auto is_plain = [](char c) { return (c >= ' ' && c <= '~') || c == '\n'; };
  for (std::size_t i = 0; i < body.size();) {
    std::size_t end = i;
    while (end < body.size() && is_plain(body[end])) ++end;
    out.append(body.substr(i, end - i));
    i = end;
    while (end < body.size() && !is_plain(body[end])) ++end;
    // Between tokens JSON allows tab and carriage return; there an escape would be out of place.
    const std::string_view careful = body.substr(i, end - i);
    if (careful.find_first_of("\t\r") == std::string_view::npos) append_json_escaped(out, careful);
    i = end;
  }
}

std::unexpected<Error> not_health(const ListenAddress& server, const char* why) {
  return failure(server.text() + " answered with something that is not picortex's health: " + why);
}

int print_error(const Error& error) {
  std::fprintf(stderr, "picortex: health: %s\n", error.what.c_str());
  return 1;
}

}  // namespace

Result<ListenAddress> read_server(Settings& settings) {
  const auto addresses = settings.list(kListen, ListenAddress::parse);
  if (settings.error()) return std::unexpected(*settings.error());
  return addresses.front().reachable();
}

Result<HealthOptions> read_health_options(Settings& settings) {
  auto server = read_server(settings);
  if (!server) return std::unexpected(server.error());
  if (server->family() != AF_UNIX && server->port() == 0) {
    return failure("--listen: " + server->text() + " names no port to ask: give the daemon's own");
  }
  const auto time_limit = settings.one(kHealthTimeout, parse_time_limit);
  const bool json = settings.toggle(kHealthJson);
  if (settings.error()) return std::unexpected(*settings.error());
  return HealthOptions{*server, time_limit, json};
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

int health(const HealthOptions& options) {
  const auto reply = ask(options.server, {.method = "GET", .path = "/health"}, options.time_limit);
  if (!reply) return print_error(reply.error());
  const auto report = options.json
                          ? quote_health(reply->body, options.server)
                          : describe_health(reply->body, options.server, stdout_is_coloured());
  if (!report) return print_error(report.error());
  std::fputs(report->text.c_str(), stdout);
  if (std::fflush(stdout) != 0) return print_error({"cannot write to stdout"});
  return report->is_ok ? 0 : 1;
}

}  // namespace picortex
