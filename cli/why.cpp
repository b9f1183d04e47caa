#include "cli/why.h"

#include <chrono>
#include <cstdio>
#include <utility>
#include <vector>

#include "base/json_text.h"
#include "cli/display.h"
#include "cli/serve_options.h"
#include "cli/time_expression.h"
#include "cli/timeline.h"

namespace picortex {
namespace {

// What the query has, up to `rows_max` and about kStoryBytesMax.
Result<std::vector<EventRow>> fetch(EventQuery& query, std::size_t rows_max) {
  std::vector<EventRow> rows;
  while (!query.is_done() && rows.size() < rows_max && query.cost().bytes < kStoryBytesMax) {
    auto done = query.run(rows, {.rows_max = rows_max, .time_max = std::chrono::milliseconds(100)});
    if (!done) return failure(done.error().what);
  }
  return rows;
}

// The request of the newest event of that type in the chat.
Result<std::optional<Uuid>> newest_request(EventReader& reader, const std::string& chat_id,
                                           const char* event_type) {
  EventFilter filter;
  filter.chat_id = chat_id;
  filter.event_type = event_type;
  EventQuery query(reader, std::move(filter));
  auto rows = fetch(query, 1);
  if (!rows) return std::unexpected(std::move(rows.error()));
  if (rows->empty()) return std::nullopt;
  return rows->front().request_id;
}

Result<Uuid> find_last(EventReader& reader, const std::string& chat_id) {
  // A bot that does not report arrivals reports its decisions or its turns.
  for (const char* type : {"linq.inbound", "discriminator.decision", "tmux.turn.start"}) {
    auto request = newest_request(reader, chat_id, type);
    if (!request) return std::unexpected(std::move(request.error()));
    if (*request) return **request;
  }
  return failure("there is no message" +
                 (chat_id.empty() ? std::string() : " in chat " + display(chat_id)) +
                 ": no event linq.inbound, discriminator.decision or tmux.turn.start");
}

// An id may be an event's; then its request is meant.
Result<Uuid> find_meant(EventReader& reader, const IdPrefix& id) {
  if (id.is_whole()) {
    auto key = reader.find(id.low);
    if (!key) return failure(key.error().what);
    if (*key) {
      EventRow row;
      auto read = reader.read(**key, row);
      if (!read) return failure(read.error().what);
      if (*read) return row.request_id;
    }
  }
  return find_request(reader, id);
}

Result<Story> load_story(EventReader& reader, const WhyOptions& options) {
  const auto request =
      options.id ? find_meant(reader, *options.id) : find_last(reader, options.chat_id);
  if (!request) return std::unexpected(request.error());
  EventQuery query(reader, story_filter(*request));
  auto rows = fetch(query, kStoryRowsMax + 1);
  if (!rows) return std::unexpected(std::move(rows.error()));
  if (rows->empty()) return failure("the events of request " + to_string(*request) + " are gone");
  if (rows->size() > kStoryRowsMax) rows->pop_back();
  return tell_story(*rows, !query.is_done());
}

void append_step(std::string& out, const StoryStep& step, bool is_coloured) {
  const bool is_bad = is_coloured && step.level >= Level::warn;
  out += "  " + local_time(step.time_ms).substr(11) + ' ';
  if (is_bad) out += step.level == Level::warn ? "\x1b[33m" : "\x1b[31m";
  append_visible(out, step.event_type);
  if (is_bad) out += "\x1b[0m";
  if (!step.what.empty()) {
    out += "  ";
    append_visible(out, step.what);
  }
  out += '\n';
  for (const StoryStep::Detail& detail : step.details) {
    out += "      ";
    append_visible(out, detail.name);
    out += ": " + detail.value + '\n';
  }
}

int print_error(std::string_view what) {
  std::fprintf(stderr, "picortex: why: %.*s\n", static_cast<int>(what.size()), what.data());
  return 1;
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

std::string render_story(const Story& story, bool is_coloured) {
  std::string out;
  if (is_coloured) out += "\x1b[1m";
  append_visible(out, story.conclusion);
  if (is_coloured) out += "\x1b[0m";
  out += "\n\nrequest " + to_string(story.request_id);
  if (!story.chat_id.empty()) {
    out += "  chat ";
    append_visible(out, story.chat_id);
  }
  const std::int64_t begin_ms = story.steps.front().time_ms;
  out += "  " + local_time(begin_ms).substr(0, 10) + "  times are " + zone_name(begin_ms) + '\n';
  for (const StoryStep& step : story.steps) append_step(out, step, is_coloured);
  if (story.is_cut_short) out += "  … and more: picortex logs --request has all of it\n";
  if (!story.missing.empty()) {
    out += "\nThe discriminator.decision event does not give:";
    for (const std::string& name : story.missing) {
      out += (&name == &story.missing.front() ? " " : ", ") + name;
    }
    out += ". README says what it should carry.\n";
  }
  return out;
}

int why(const WhyOptions& options) {
  auto reader = EventReader::open(options.data_dir);
  if (!reader) return print_error(reader.error().what);
  const auto story = load_story(**reader, options);
  if (!story) return print_error(story.error().what);
  std::string out;
  if (options.json) {
    append_story_json(out, *story);
    out += '\n';
  } else {
    out = render_story(*story, stdout_is_coloured());
  }
  std::fputs(out.c_str(), stdout);
  return std::fflush(stdout) == 0 ? 0 : print_error("cannot write to stdout");
}

}  // namespace picortex
