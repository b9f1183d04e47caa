#include "cli/commands/why.h"

#include <cstdio>
#include <utility>
#include <vector>

#include "base/json/json_text.h"
#include "base/terminal.h"
#include "cli/commands/time_expression.h"
#include "cli/commands/timeline.h"
#include "cli/commands/turns.h"
#include "daemon/config/serve_options.h"

namespace picortex {
namespace {

// Returns the request of the chat's newest event of that type.
Result<std::optional<Uuid>> newest_request(EventSource& source, const std::string& chat_id,
                                           const char* event_type) {
  EventFilter filter;
  filter.chat_id = chat_id;
  filter.event_type = event_type;
  std::vector<EventRow> rows;
  TRY(source.read(filter, {.after = {}, .rows_max = 1}, rows));
  if (rows.empty()) return std::nullopt;
  return rows.front().request_id;
}

Result<Uuid> find_last(EventSource& source, const std::string& chat_id) {
  // A bot that does not report arrivals reports its decisions or turns.
  for (const char* type : {"linq.inbound", "discriminator.decision", "tmux.turn.start"}) {
    auto request = TRY(newest_request(source, chat_id, type));
    if (request) return *request;
  }
  return failure("there is no message" +
                 (chat_id.empty() ? std::string() : " in chat " + display(chat_id)) +
                 ": no event linq.inbound, discriminator.decision or tmux.turn.start");
}

// An ID may be an event's; then its request is meant. A prefix is tried as a request's first.
Result<Uuid> find_meant(EventSource& source, const IdPrefix& id) {
  std::optional<EventRow> event;
  if (id.is_whole()) {
    event = TRY(source.find(id.low));
  } else if (!TRY(source.find_requests(id.low, id.high))) {
    event = TRY(find_event(source, id));
  }
  if (event) return event->request_id;
  return find_request(source, id);
}

Result<Story> load_story(EventSource& source, const WhyOptions& options) {
  const auto request =
      TRY(options.id ? find_meant(source, *options.id) : find_last(source, options.chat_id));
  std::vector<EventRow> rows;
  const bool is_all = TRY(
      source.read(story_filter(request),
                  {.after = {}, .rows_max = kStoryRowsMax + 1, .bytes_max = kStoryBytesMax}, rows));
  if (rows.empty()) return failure("the events of request " + to_string(request) + " are gone");
  const bool is_cut_short = !is_all || rows.size() > kStoryRowsMax;
  if (rows.size() > kStoryRowsMax) rows.resize(kStoryRowsMax);
  return report_story(rows, is_cut_short);
}

// What an agent did for the message; none when none is known to have done anything.
Result<std::optional<Turn>> find_turn(EventSource& source, const Uuid& request) {
  auto turns = TRY(source.turns({.chat_id = {}, .request_id = request}));
  if (turns.empty()) return std::nullopt;
  return std::move(turns.front());
}

void append_step(std::string& out, const StoryStep& step, bool is_coloured,
                 std::string_view indent = "  ") {
  const bool is_bad = is_coloured && step.level >= Level::warn;
  out.append(indent);
  out += local_time(step.time_ms).substr(11) + ' ';
  if (is_bad) out += step.level == Level::warn ? kYellow : kRed;
  append_visible(out, step.event_type);
  if (is_bad) out += kPlain;
  if (!step.what.empty()) {
    out += "  ";
    append_visible(out, step.what);
  }
  out += '\n';
  for (const StoryStep::Detail& detail : step.details) {
    out.append(indent).append("    ");
    append_visible(out, detail.name);
    out += ": " + detail.value + '\n';
  }
}

// Denied connections stand under the tool call that made them.
void append_steps(std::string& out, const Story& story, bool is_coloured) {
  for (const StoryStep& step : story.steps) {
    if (step.within) continue;
    append_step(out, step, is_coloured);
    if (step.event_type != "claude.tool_result") continue;
    for (const StoryStep& made : story.steps) {
      if (made.within == step.id) append_step(out, made, is_coloured, "      ");
    }
  }
}

}  // namespace

Result<WhyOptions> read_why_options(Settings& settings) {
  WhyOptions options;
  read_zone(settings);
  options.data_dir = read_data_dir(settings);
  auto fleet = read_fleet(settings);
  options.json = settings.toggle(kAnswerJson);
  options.chat_id = read_chat_filter(settings);
  const bool is_last = settings.toggle(kWhyLast) || !options.chat_id.empty();
  if (settings.is_given(kWhyId)) options.id = settings.one(kWhyId, parse_id_prefix);
  if (settings.error()) return std::unexpected(*settings.error());
  if (!fleet) return failure("why: " + fleet.error().what);
  options.fleet = *std::move(fleet);
  if (options.id.has_value() == is_last) {
    return failure("why: give an event's or a request's ID, or --chat ID --last");
  }
  return options;
}

std::string render_story(const Story& story, const std::optional<Turn>& turn, bool is_coloured) {
  std::string out;
  if (is_coloured) out += kBold;
  append_visible(out, story.conclusion);
  if (is_coloured) out += kPlain;
  out += "\n\nrequest " + to_string(story.request_id);
  if (!story.chat_id.empty()) {
    out += "  chat ";
    append_visible(out, story.chat_id);
  }
  const std::int64_t begin_ms = story.steps.front().time_ms;
  out += "  " + local_time(begin_ms).substr(0, 10) + "  times are " + zone_name(begin_ms) + '\n';
  if (turn) out += render_turn(*turn) + '\n';
  append_steps(out, story, is_coloured);
  if (story.is_cut_short) out += "  … and more: picortex logs --request has all of it\n";
  if (!story.missing.empty()) {
    out += "\nThe discriminator.decision event does not give:";
    for (const std::string& name : story.missing) {
      out += (&name == &story.missing.front() ? " " : ", ") + name;
    }
    out += ". docs/reference/events.md lists what it should carry.\n";
  }
  return out;
}

int why(const WhyOptions& options) {
  auto source = open_source(options.data_dir, options.fleet);
  if (!source) return print_error("why", source.error().what);
  const auto story = load_story(**source, options);
  if (!story) return print_error("why", story.error().what);
  const auto turn = find_turn(**source, story->request_id);
  if (!turn) return print_error("why", turn.error().what);
  std::string out;
  if (options.json) {
    append_story_json(out, *story);
    if (*turn) {
      out.back() = ',';
      out += "\"turn\":";
      append_turn_json(out, **turn);
      out += '}';
    }
    out += '\n';
  } else {
    out = render_story(*story, *turn, stdout_is_coloured());
  }
  std::fputs(out.c_str(), stdout);
  return std::fflush(stdout) == 0 ? 0 : print_error("why", "cannot write to stdout");
}

}  // namespace picortex
