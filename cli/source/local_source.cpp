#include "cli/source/local_source.h"

#include <chrono>
#include <utility>

#include "storage/event_id.h"

namespace picortex {
namespace {

constexpr std::chrono::milliseconds kSliceTime{100};

// The value, or the fault as an error.
template <class T>
Result<T> said(StoreResult<T> result) {
  if (!result) return failure(std::move(result.error().what));
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return *std::move(result);
  }
}

Result<void> run_to_end(SlicedQuery& query, EventReader& reader) {
  const QueryBudget budget{.rows_max = 4096, .time_max = kSliceTime};
  while (!query.is_done()) TRY(said(query.run(reader, budget)));
  if (auto error = query.error()) return std::unexpected(std::move(*error));
  return {};
}

}  // namespace

Result<std::unique_ptr<LocalSource>> LocalSource::open(const std::string& data_dir) {
  auto reader = TRY(said(EventReader::open(data_dir)));
  return std::unique_ptr<LocalSource>(new LocalSource(data_dir, std::move(reader)));
}

Result<bool> LocalSource::read(const EventFilter& filter, const RowsWanted& wanted,
                               std::vector<EventRow>& rows) {
  EventQuery query(*reader_, filter, wanted.after);
  const QueryBudget budget{.rows_max = rows.size() + wanted.rows_max, .time_max = kSliceTime};
  while (!query.is_done() && rows.size() < budget.rows_max &&
         query.cost().bytes < wanted.bytes_max) {
    TRY(said(query.run(rows, budget)));
  }
  return query.is_done();
}

Result<std::optional<EventRow>> LocalSource::find(const Uuid& id) {
  const auto key = TRY(said(reader_->find(id)));
  EventRow row;
  if (!key || !TRY(said(reader_->read(*key, row)))) return std::nullopt;
  return row;
}

Result<std::vector<EventRow>> LocalSource::find_placed(const Uuid& low, const Uuid& high) {
  std::vector<EventRow> rows;
  const auto first = event_place(low);
  const auto last = event_place(high);
  for (std::int64_t from = first ? first->key : 0; first && last && from <= last->key; ++from) {
    const auto key =
        TRY(said(reader_->seek(EventReader::Index::all, 0, from, EventOrder::oldest_first)));
    if (!key || *key > last->key) break;
    from = *key;
    EventRow row;
    if (!TRY(said(reader_->read(from, row))) || row.id < low || high < row.id) continue;
    rows.push_back(std::move(row));
    if (rows.size() == 2) break;
  }
  return rows;
}

Result<std::optional<std::pair<Uuid, Uuid>>> LocalSource::find_requests(const Uuid& low,
                                                                        const Uuid& high) {
  return said(reader_->find_requests(low, high));
}

Result<std::optional<std::int64_t>> LocalSource::newest_ms() {
  const auto key = TRY(said(reader_->seek(
      EventReader::Index::all, 0, first_key_of(EventFilter().until_ms), EventOrder::newest_first)));
  return key ? std::optional(time_of(*key)) : std::nullopt;
}

Result<bool> LocalSource::has_chat(std::string_view chat_id) {
  return TRY(said(reader_->chat_number(chat_id))).has_value();
}

std::string LocalSource::hint_when_empty() const {
  return "the database holds no event yet: is picortex serve running, and this its data directory?";
}

Result<std::vector<StatsGroup>> LocalSource::count(const StatsQuery::Asked& asked) {
  StatsQuery query(asked);
  TRY(run_to_end(query, *reader_));
  return query.take_groups();
}

Result<std::vector<ChatSummary>> LocalSource::chats(const EventFilter& filter) {
  ChatsQuery query(filter);
  TRY(run_to_end(query, *reader_));
  return query.take_chats();
}

Result<std::vector<ErrorGroup>> LocalSource::errors(const EventFilter& filter) {
  ErrorGroupsQuery query(filter);
  TRY(run_to_end(query, *reader_));
  return query.take_groups();
}

Result<TurnReader*> LocalSource::turn_reader() {
  if (turns_ == nullptr) turns_ = TRY(said(TurnReader::open(data_dir_)));
  return turns_.get();
}

Result<std::vector<Turn>> LocalSource::turns(const TurnFilter& filter) {
  TurnReader* const reader = TRY(turn_reader());
  return said(reader->read(filter));
}

Result<std::optional<CostCheck>> LocalSource::check_costs(std::int64_t now_ms) {
  TurnReader* const reader = TRY(turn_reader());
  return TRY(said(reader->check_costs(now_ms)));
}

}  // namespace picortex
