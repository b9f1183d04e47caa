#include "storage/query/stats/error_states.h"

#include <vector>

#include "storage/query/json_field.h"
#include "storage/query/query.h"
#include "storage/query/stats/error_fingerprint.h"

namespace picortex {
namespace {

std::optional<ErrorState> parse_state(std::string_view text) noexcept {
  for (const ErrorState state :
       {ErrorState::open, ErrorState::muted, ErrorState::resolved, ErrorState::returned}) {
    if (text == error_state_label(state)) return state;
  }
  return std::nullopt;
}

}  // namespace

std::string_view error_state_label(ErrorState state) noexcept {
  switch (state) {
    case ErrorState::open:
      return "open";
    case ErrorState::muted:
      return "muted";
    case ErrorState::resolved:
      return "resolved";
    case ErrorState::returned:
      return "returned";
  }
  return "open";
}

std::optional<ErrorStateNote> parse_error_state(std::string_view data) {
  if (data.size() > ErrorStateNote::kSizeMax) return std::nullopt;
  const auto group = parse_error_group_id(first_json_text(data, {"fingerprint"}));
  const auto state = parse_state(first_json_text(data, {"state"}));
  if (!group || !state) return std::nullopt;
  return ErrorStateNote{*group, *state};
}

StoreResult<ErrorStates> read_error_states(const std::string& data_directory) {
  auto reader = TRY(EventReader::open(data_directory));
  EventFilter filter;
  filter.event_type = kErrorStateType;
  EventQuery query(*reader, std::move(filter));
  ErrorStates states;
  std::vector<EventRow> rows;
  for (std::size_t read = 0; read < kErrorStatesMax && !query.is_done(); read += rows.size()) {
    rows.clear();
    TRY(query.run(rows, {.rows_max = 256}));
    for (const EventRow& row : rows) {
      const auto note = parse_error_state(row.data);
      // The newest one came first.
      if (note) states.try_emplace(note->group, DatedErrorState{row.time_ms, note->state});
    }
  }
  return states;
}

}  // namespace picortex
