#include "cli/commands/errors.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <tuple>
#include <utility>

#include "base/json/json_text.h"
#include "base/terminal.h"
#include "base/time/timestamp.h"
#include "cli/client/event_post.h"
#include "cli/client/http_client.h"
#include "cli/commands/health.h"
#include "cli/commands/time_expression.h"
#include "cli/output/table.h"
#include "daemon/config/serve_options.h"
#include "storage/query/stats/error_fingerprint.h"

namespace picortex {
namespace {

constexpr std::size_t kIdShown = 8;
constexpr std::chrono::seconds kPostTime{5};

std::optional<std::string> parse_group_id(std::string_view text) {
  const bool is_hexadecimal = std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
  if (text.size() < 4 || text.size() > kErrorIdSize || !is_hexadecimal) return std::nullopt;
  return std::string(text);
}

bool is_hidden(const ErrorGroup& group) noexcept {
  return group.state == ErrorState::muted || group.state == ErrorState::resolved;
}

void append_group_json(std::string& out, const ErrorGroup& group) {
  out += "{\"fingerprint\":\"" + group.id + "\",\"state\":\"";
  out += error_state_label(group.state);
  out += "\",\"event_type\":";
  append_json_string(out, group.event_type);
  out += ",\"level\":";
  append_json_string(out, level_label(group.level));
  out += ",\"title\":";
  append_json_string(out, group.title);
  out += ",\"count\":";
  append_json_number(out, group.count);
  out += ",\"first_seen\":\"" + iso_time(group.first_ms) + "\",\"last_seen\":\"" +
         iso_time(group.last_ms) + "\",\"last_event\":\"" + to_string(group.last_event) +
         "\",\"last_request\":\"" + to_string(group.last_request) + "\",\"release\":";
  if (group.release.empty()) {
    out += "null";
  } else {
    append_json_string(out, group.release);
  }
  out += ",\"chats\":[";
  for (const std::string& chat : group.chats) {
    if (out.back() != '[') out += ',';
    append_json_string(out, chat);
  }
  out += "]}\n";
}

std::string chats_of(const ErrorGroup& group) {
  if (group.chats.empty()) return "-";
  if (group.chats.size() == 1) return *group.chats.begin();
  const bool is_cut = group.chats.size() == ErrorGroupsQuery::kChatsMax;
  return std::to_string(group.chats.size()) + (is_cut ? "+ chats" : " chats");
}

std::string text_of(const std::vector<ErrorGroup>& groups, std::size_t hidden, std::size_t limit) {
  std::int64_t events = 0;
  for (const ErrorGroup& group : groups) events += group.count;
  const std::size_t shown = std::min(groups.size(), limit);
  std::string out = grouped_digits(std::ssize(groups)) +
                    (groups.size() == 1 ? " kind of error, " : " kinds of errors, ") +
                    grouped_digits(events) + (events == 1 ? " event" : " events");
  if (hidden > 0) {
    out += "; " + std::to_string(hidden) + " muted or resolved: --all shows them too";
  }
  if (shown < groups.size()) {
    out += "; these are the " + std::to_string(shown) + " seen last: --limit shows more";
  }
  if (groups.empty()) return out + '\n';
  out += "; times are " + zone_name(groups.front().last_ms) + '\n';
  using Side = Table::Side;
  Table table({{"id"},
               {"events", Side::right},
               {"first seen"},
               {"last seen"},
               {"state"},
               {"release"},
               {"chats"},
               {"type"},
               {"message"}});
  for (std::size_t i = 0; i < shown; ++i) {
    const ErrorGroup& group = groups[i];
    table.add({group.id.substr(0, kIdShown), grouped_digits(group.count),
               local_time(group.first_ms).substr(0, 16), local_time(group.last_ms).substr(0, 16),
               std::string(error_state_label(group.state)),
               group.release.empty() ? "-" : group.release, chats_of(group), group.event_type,
               group.title.substr(0, group.title.find('\n'))});
  }
  table.append(out);
  return out;
}

Result<std::vector<ErrorGroup>> find(const ErrorsOptions& options) {
  auto source = TRY(open_source(options.data_dir, options.fleet));
  EventFilter filter = options.filter;
  if (options.request) filter.request_id = TRY(find_request(*source, *options.request));
  return source->errors(filter);
}

// The one group that the change means.
Result<std::string> find_meant(const std::vector<ErrorGroup>& groups, const std::string& prefix) {
  std::vector<std::string> meant;
  for (const ErrorGroup& group : groups) {
    if (group.id.starts_with(prefix)) meant.push_back(group.id);
  }
  if (meant.size() == 1) return meant.front();
  return failure(meant.empty() ? "there is no kind of error whose ID begins with " + prefix
                               : "more than one kind of error's ID begins with " + prefix +
                                     ": give more of it");
}

Result<void> post(const ErrorsOptions& options, const std::string& id, ErrorState state) {
  auto token = TRY(read_token(options.data_dir));
  const std::string label(error_state_label(state));
  const std::string body = "{\"event_type\":\"" + std::string(kErrorStateType) +
                           "\",\"level\":\"info\",\"msg\":\"errors of " + id.substr(0, kIdShown) +
                           " are " + label + "\",\"fingerprint\":\"" + id + "\",\"state\":\"" +
                           label + "\"}";
  const auto reply = ask(*options.server,
                         {.method = "POST",
                          .path = "/api/events",
                          .content_type = "application/json",
                          .token = &token,
                          .body = body},
                         kPostTime);
  if (!reply) return std::unexpected(reply.error());
  if (reply->status == 200) return {};
  return failure("the daemon at " + options.server->text() + " answered with status " +
                 std::to_string(reply->status) + ", not 200: see picortex health");
}

Result<std::string> change(const ErrorsOptions& options) {
  auto groups = TRY(find(options));
  auto id = find_meant(groups, options.change->id);
  if (!id) return id;
  TRY(post(options, *id, options.change->state));
  return id->substr(0, kIdShown) + " is " + std::string(error_state_label(options.change->state)) +
         '\n';
}

Result<std::string> show(const ErrorsOptions& options) {
  auto groups = TRY(find(options));
  const std::size_t hidden =
      options.all ? 0 : static_cast<std::size_t>(std::erase_if(groups, is_hidden));
  if (!options.json) return text_of(groups, hidden, options.limit);
  std::string out;
  for (const ErrorGroup& group : groups) append_group_json(out, group);
  return out;
}

}  // namespace

Result<ErrorsOptions> read_errors_options(Settings& settings) {
  ErrorsOptions options;
  read_zone(settings);
  options.data_dir = read_data_dir(settings);
  auto fleet = read_fleet(settings);
  read_filters(settings, options.filter, options.request);
  options.all = settings.toggle(kErrorsAll);
  options.json = settings.toggle(kAnswerJson);
  options.limit = settings.number(kAnswerLimit);
  auto server = read_server(settings);
  const std::pair<const Option*, ErrorState> changes[] = {{&kErrorsMute, ErrorState::muted},
                                                          {&kErrorsResolve, ErrorState::resolved},
                                                          {&kErrorsOpen, ErrorState::open}};
  for (const auto& [option, state] : changes) {
    if (!settings.is_given(*option)) continue;
    if (options.change) {
      return failure("errors: give one of --mute, --resolve and --open at a time");
    }
    options.change = {settings.one(*option, parse_group_id), state};
  }
  if (settings.error()) return std::unexpected(*settings.error());
  if (!fleet) return failure("errors: " + fleet.error().what);
  options.fleet = *std::move(fleet);
  if (!server) return std::unexpected(std::move(server.error()));
  if (options.change && options.fleet) {
    return failure(
        "errors: --mute, --resolve and --open are sent to the daemon of a host: run them there, "
        "without --from");
  }
  options.server = *std::move(server);
  return options;
}

int errors(const ErrorsOptions& options) {
  const auto text = options.change ? change(options) : show(options);
  if (!text) return print_error("errors", text.error().what);
  std::fputs(text->c_str(), stdout);
  return std::fflush(stdout) == 0 ? 0 : print_error("errors", "cannot write to stdout");
}

}  // namespace picortex
