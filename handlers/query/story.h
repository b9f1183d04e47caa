#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/level.h"
#include "base/uuid/uuid.h"
#include "storage/query/query.h"

namespace picortex {

// The number of a request's events, and the bytes of their texts (QueryCost::bytes), that a story
// includes; it says that the rest is omitted.
inline constexpr std::size_t kStoryRowsMax = 1000;
inline constexpr std::size_t kStoryBytesMax = 4 * 1024 * 1024;

// One event of a story. The texts are as hostile as the event's: escape them before showing them.
struct StoryStep {
  struct Detail {
    std::string name;
    std::string value;  // JSON on one line, escaped by base/json/json_text.h
  };

  Uuid id;
  std::int64_t time_ms = 0;
  Level level = Level::info;
  std::string event_type;
  std::string what;  // "arrived", "decided: skip", …, then the event's msg
  std::vector<Detail> details;
  // The tool call that made this denied connection: the event of its result. None if none ran then.
  std::optional<Uuid> within{};
};

enum class StoryOutcome {
  skipped,   // the discriminator decided to skip, and no turn was started
  answered,  // a turn was started, and no error is known
  failed,    // there is an event of level error or above
  unknown,   // the events do not show it
};

// The course of one message, as the events of its request report it.
struct Story {
  StoryOutcome outcome = StoryOutcome::unknown;
  std::string conclusion;            // one sentence
  std::vector<std::string> missing;  // what its discriminator.decision lacks
  std::vector<StoryStep> steps;      // oldest first
  Uuid request_id;
  std::string chat_id;
  bool is_cut_short = false;
};

// Returns the filter for the events of a story.
EventFilter story_filter(const Uuid& request_id);

// `rows`: at least one, all of one request, oldest first. docs/reference/events.md lists the
// members with which a discriminator.decision event lets the story say why.
Story report_story(std::span<const EventRow> rows, bool is_cut_short);

// {"outcome","conclusion","missing":[…],"request_id","chat_id","cut_short","steps":[{"id","time",
// "level","event_type","what","within","details":{…}}]}; "within" where there is a tool call.
void append_story_json(std::string& out, const Story& story);

}  // namespace picortex
