#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_set>

#include "handlers/ingest/otlp/otlp_record.h"
#include "storage/event.h"
#include "storage/turn_note.h"

namespace picortex {

// Makes claude.* events of Claude Code's records and spans:
//
//   user_prompt, api_request, assistant_response, tool_decision, tool_result, api_error,
//   api_retries_exhausted, subagent_completed, compaction, and hook_execution_complete if a hook
//   failed or blocked; any other name becomes claude.event with its name in the data
//   span llm_request of more than one attempt -> claude.retry
//   span tool.blocked_on_user, if a person was asked -> claude.blocked
//   data point of claude_code.cost.usage, if it is a delta above 0 -> claude.cost_metric, which no
//   turn counts: it is there to be compared with the sums
//
// What the client says about its own start, personal data (user.*, organization.*) and contents
// that are redacted are dropped, and texts are cut to kTextSizeMax. Numbers and truths in quotes
// become numbers and truths; dots in names become underscores.
class ClaudeNormaliser {
 public:
  static constexpr std::size_t kTextSizeMax = 2048;

  // What one record became. Texts are valid until the next call.
  struct Normalised {
    bool is_kept = false;
    bool has_key = false;  // `id` names what happened, not only the record
    Level level = Level::info;
    std::string_view event_type;
    std::string_view msg;
    std::string_view data;  // members after `prefix`, closed
    Uuid id{};              // nil: the record says nothing by which it could be distinguished
    TurnNote note;
  };

  static bool is_claude(const OtlpOrigin& origin, const OtlpLogRecord& record) noexcept;
  static bool is_claude(const OtlpOrigin& origin) noexcept;

  // `is_claimed`: the data begin with "claimed":true.
  const Normalised& of_log(const OtlpOrigin& origin, const OtlpLogRecord& record, bool is_claimed);
  const Normalised& of_point(const OtlpOrigin& origin, const OtlpPoint& point, bool is_claimed);
  // What a stored event says about its turn, by its type without "claude." and the attributes that
  // its data were made of.
  TurnNote note_of_stored(std::string_view type, const OtlpAttributes& attributes);
  const Normalised& of_span(const OtlpOrigin& origin, const OtlpSpan& span, bool is_claimed);

 private:
  void begin(bool is_claimed);
  void note_identity(const OtlpOrigin& origin, const OtlpAttributes& attributes);
  void choose_id(std::string_view name, const OtlpAttributes& attributes, std::uint64_t time_ns);
  void append_attributes(const OtlpAttributes& attributes);
  void append(std::string_view name, const OtlpValue& value);
  bool read(std::string_view name, const OtlpAttributes& attributes);
  void read_prompt(const OtlpAttributes& attributes);
  void read_request(const OtlpAttributes& attributes);
  void read_decision(const OtlpAttributes& attributes);
  void read_tool(const OtlpAttributes& attributes);
  void read_error(const OtlpAttributes& attributes);
  bool read_hook(const OtlpAttributes& attributes);

  Normalised out_;
  std::string type_;
  std::string msg_;
  std::string data_;
  std::string session_;
  std::unordered_set<std::string> written_;
};

}  // namespace picortex
