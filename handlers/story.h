#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/level.h"
#include "base/uuid.h"
#include "storage/query.h"

namespace picortex {

// Events of one request that a story is made of, and bytes of their texts (QueryCost::bytes); the
// rest is left out and said to be.
inline constexpr std::size_t kStoryRowsMax = 1000;
inline constexpr std::size_t kStoryBytesMax = 4 * 1024 * 1024;

// One event, told. The texts are as hostile as the event's: whoever shows them escapes them.
struct StoryStep {
  struct Detail {
    std::string name;
    std::string value;  // JSON on one line, escaped by base/json_text.h
  };

  Uuid id;
  std::int64_t time_ms = 0;
  Level level = Level::info;
  std::string event_type;
  std::string what;  // "arrived", "decided: skip", …, then the event's msg
  std::vector<Detail> details;
};

enum class StoryOutcome {
  skipped,   // the discriminator decided so, and no turn was started
  answered,  // a turn was started, and no error is known
  failed,    // there is an event of level error or above
  unknown,   // the events do not say
};

// What became of one message, as the events of its request tell it.
struct Story {
  StoryOutcome outcome = StoryOutcome::unknown;
  std::string conclusion;            // one sentence
  std::vector<std::string> missing;  // what its discriminator.decision should have said
  std::vector<StoryStep> steps;      // oldest first
  Uuid request_id;
  std::string chat_id;
  bool is_cut_short = false;
};

// What is asked of the store for a story.
EventFilter story_filter(const Uuid& request_id);

// `rows`: at least one, all of one request, oldest first. README says what a discriminator.decision
// event should carry for the story to say why.
Story tell_story(std::span<const EventRow> rows, bool is_cut_short);

// {"outcome","conclusion","missing":[…],"request_id","chat_id","cut_short","steps":[{"id","time",
// "level","event_type","what","details":{…}}]}
void append_story_json(std::string& out, const Story& story);

}  // namespace picortex
