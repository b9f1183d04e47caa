#include "cli/commands/why.h"

#include <chrono>
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

// Reads the query's rows, up to `rows_max` and about kStoryBytesMax.
Result<std::vector<EventRow>> fetch(EventQuery& query, std::size_t rows_max) {
  std::vector<EventRow> rows;
  while (!query.is_done() && rows.size() < rows_max && query.cost().bytes < kStoryBytesMax) {
    auto done = query.run(rows, {.rows_max = rows_max, .time_max = std::chrono::milliseconds(100)});
    if (!done) return failure(done.error().what);
  }
  return rows;
}

// Returns the request of the chat's newest event of that type.
Result<std::optional<Uuid>> newest_request(EventReader& reader, const std::string& chat_id,
                                           const char* event_type) {
  EventFilter filter;
  filter.chat_id = chat_id;
  filter.event_type = event_type;
  EventQuery query(reader, std::move(filter));
  auto rows = TRY(fetch(query, 1));
  if (rows.empty()) return std::nullopt;
  return rows.front().request_id;
}

Result<Uuid> find_last(EventReader& reader, const std::string& chat_id) {
  // A bot that does not report arrivals reports its decisions or turns.
  for (const char* type : {"linq.inbound", "discriminator.decision", "tmux.turn.start"}) {
    auto request = TRY(newest_request(reader, chat_id, type));
    if (request) return *request;
  }
  return failure("there is no message" +
                 (chat_id.empty() ? std::string() : " in chat " + display(chat_id)) +
                 ": no event linq.inbound, discriminator.decision or tmux.turn.start");
}

// An ID may be an event's; then its request is meant. A prefix is tried as a request's first.
Result<Uuid> find_meant(EventReader& reader, const IdPrefix& id) {
  std::optional<std::int64_t> event;
  if (id.is_whole()) {
    auto key = reader.find(id.low);
    if (!key) return failure(key.error().what);
    event = *key;
  } else {
    auto requests = reader.find_requests(id.low, id.high);
    if (!requests) return failure(requests.error().what);
    if (!*requests) {
      event = TRY(find_event(reader, id));
    }
  }
  if (event) {
    EventRow row;
    auto read = reader.read(*event, row);
    if (!read) return failure(read.error().what);
    if (*read) return row.request_id;
  }
  return find_request(reader, id);
}

Result<Story> load_story(EventReader& reader, const WhyOptions& options) {
  const auto request =
      TRY(options.id ? find_meant(reader, *options.id) : find_last(reader, options.chat_id));
  EventQuery query(reader, story_filter(request));
  auto rows = TRY(fetch(query, kStoryRowsMax + 1));
  if (rows.empty()) return failure("the events of request " + to_string(request) + " are gone");
  if (rows.size() > kStoryRowsMax) rows.pop_back();
  return report_story(rows, !query.is_done());
}

// What an agent did for the message; none when none is known to have done anything.
Result<std::optional<Turn>> find_turn(const WhyOptions& options, const Uuid& request) {
  auto reader = TurnReader::open(options.data_dir);
  if (!reader) return failure(reader.error().what);
  auto turns = (*reader)->read({.chat_id = {}, .request_id = request});
  if (!turns) return failure(turns.error().what);
  if (turns->empty()) return std::nullopt;
  return std::move(turns->front());
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
  options.json = settings.toggle(kAnswerJson);
  options.chat_id = read_chat_filter(settings);
  const bool is_last = settings.toggle(kWhyLast) || !options.chat_id.empty();
  if (settings.is_given(kWhyId)) options.id = settings.one(kWhyId, parse_id_prefix);
  if (settings.error()) return std::unexpected(*settings.error());
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
  auto reader = EventReader::open(options.data_dir);
  if (!reader) return print_error("why", reader.error().what);
  const auto story = load_story(**reader, options);
  if (!story) return print_error("why", story.error().what);
  const auto turn = find_turn(options, story->request_id);
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
