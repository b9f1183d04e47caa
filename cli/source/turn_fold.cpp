#include "cli/source/turn_fold.h"

#include <algorithm>
#include <utility>

#include "storage/event.h"
#include "storage/query/json_field.h"
#include "storage/sqlite/schema.h"

namespace picortex {
namespace {

constexpr std::string_view kDenialType = "egress.rejected";

Event event_of(const EventRow& row) {
  Event event;
  event.time_ms = row.time_ms;
  event.level = row.level;
  event.event_type = row.event_type;
  event.chat_id = row.chat_id;
  event.msg = row.msg;
  event.data = row.data;
  event.request_id = row.request_id;
  return event;
}

// The text of the member; empty where there is none.
std::string member(std::string_view data, std::string_view name) {
  const auto value = find_json_field(data, name);
  if (!value || value->front() != '"') return {};
  std::string scratch;
  return std::string(unescaped_json(*value, scratch));
}

}  // namespace

TurnFold::TurnFold(std::unique_ptr<Database> database)
    : database_(*database), reader_(TurnReader::over(std::move(database))) {}

Result<std::unique_ptr<TurnFold>> TurnFold::open() {
  auto database = Database::open_in_memory();
  if (!database) return failure(database.error().what);
  auto done = create_tables_in_memory(**database);
  std::unique_ptr<TurnFold> fold(new TurnFold(*std::move(database)));
  if (done) done = fold->table_.prepare(fold->database_, 0);
  if (!done) return failure(done.error().what);
  return fold;
}

Result<void> TurnFold::add(const EventRow& row) {
  Event event = event_of(row);
  const auto note = restored_.note_of(event);
  if (note) event.turn = &*note;
  auto request = table_.resolve(event);
  if (!request) return failure(request.error().what);
  event.request_id = *request;
  if (auto noted = table_.note(event, 0); !noted) return failure(noted.error().what);
  table_.commit();
  if (row.event_type == kDenialType) note_denial(row);
  return {};
}

// The first ones, each once.
void TurnFold::note_denial(const EventRow& row) {
  std::string host = member(row.data, "host");
  if (host.empty()) host = member(row.data, "address");
  std::vector<std::string>& hosts = denied_hosts_[row.request_id];
  const bool is_new = !host.empty() && std::ranges::find(hosts, host) == hosts.end();
  if (is_new && hosts.size() < Turn::kDeniedHostsMax) hosts.push_back(std::move(host));
}

Result<std::vector<Turn>> TurnFold::turns(const TurnFilter& filter) {
  auto turns = reader_->read(filter);
  if (!turns) return failure(turns.error().what);
  for (Turn& turn : *turns) {
    const auto hosts = denied_hosts_.find(turn.request_id);
    if (turn.denied > 0 && hosts != denied_hosts_.end()) turn.denied_hosts = hosts->second;
  }
  return *std::move(turns);
}

}  // namespace picortex
