#pragma once

#include <optional>

#include "base/json/document.h"
#include "handlers/ingest/claude/claude_hook.h"
#include "handlers/ingest/claude/claude_normaliser.h"
#include "handlers/ingest/otlp/otlp_record.h"
#include "storage/event.h"
#include "storage/turn_note.h"

namespace picortex {

// Finds out what a stored event says about its turn, for a database that is made of an export: the
// inverse of ClaudeNormaliser and ClaudeHookDecoder, by their own code. What was not stored, such as
// which records of a process were dropped on purpose, cannot be restored: no loss is counted.
class RestoredTurn {
 public:
  // None if the event says nothing about a turn. The event's request ID is that of its turn.
  std::optional<TurnNote> note_of(const Event& event);

 private:
  std::optional<TurnNote> note_of_record(const Event& event);
  std::optional<TurnNote> note_of_hook(const Event& event, std::string_view name);
  std::optional<TurnNote> note_of_egress(const Event& event);
  std::optional<TurnNote> note_of_traffic(const Event& event);
  bool parse(std::string_view data);

  JsonDocument document_{1 << 20};
  ClaudeHookDecoder hooks_{document_};
  ClaudeHook hook_;
  ClaudeNormaliser normaliser_;
  OtlpAttributes attributes_;
  std::string padded_;
};

}  // namespace picortex
