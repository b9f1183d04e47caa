#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "storage/event.h"
#include "storage/turn_note.h"

namespace picortex {

// The events of one body of telemetry with copies of what they point to. Filled, finished, and then
// kept until they are stored; filling it again allocates nothing once it has been as full.
class TelemetryBatch {
 public:
  // What an event's id was made from.
  enum class Identity : std::uint8_t {
    key,      // something unique: an event with the id of another one is that one
    content,  // all that the record says: equal records of one body are several events
  };

  void clear() noexcept;
  // Copies the event with its texts and its note on a turn.
  void add(const Event& event, Identity identity);
  // Points the events to their texts and notes, and gives equal records of the body different ids,
  // which are the same when the body is sent again. Nothing is added after that.
  void finish();

  std::span<const Event> events() const noexcept { return events_; }
  std::size_t text_size() const noexcept { return texts_.size(); }
  // Frees the memory of a batch that was large.
  void trim();

 private:
  struct TextEnds {
    std::size_t event_type, chat_id, msg, data;
  };

  void tell_equals_apart();

  std::vector<Event> events_;
  std::vector<TextEnds> ends_;
  std::vector<TurnNote> notes_;            // of those events that have one, in order
  std::vector<std::uint32_t> by_content_;  // events whose identity is their content
  std::string texts_;
};

}  // namespace picortex
