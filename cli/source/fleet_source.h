#pragma once

#include <memory>
#include <string>

#include "cli/source/event_source.h"
#include "cli/source/fleet_place.h"
#include "cli/source/fleet_table.h"

namespace picortex {

// The table of a fleet. The server filters by all that its columns can say, counts where only time,
// type, level and chat are asked about, and sorts; the rest is done here by the code that does it
// for a host's own store, with a row at a time.
class FleetSource final : public EventSource {
 public:
  static Result<std::unique_ptr<FleetSource>> open(const FleetPlace& place);

  Result<bool> read(const EventFilter& filter, const RowsWanted& wanted,
                    std::vector<EventRow>& rows) override;
  Result<std::optional<EventRow>> find(const Uuid& id) override;
  Result<std::vector<EventRow>> find_placed(const Uuid& low, const Uuid& high) override;
  Result<std::optional<std::pair<Uuid, Uuid>>> find_requests(const Uuid& low,
                                                             const Uuid& high) override;
  Result<std::optional<std::int64_t>> newest_ms() override;
  Result<bool> has_chat(std::string_view chat_id) override;
  std::string hint_when_empty() const override;
  Result<std::vector<StatsGroup>> count(const StatsQuery::Asked& asked) override;
  Result<std::vector<ChatSummary>> chats(const EventFilter& filter) override;
  Result<std::vector<ErrorGroup>> errors(const EventFilter& filter) override;
  Result<std::vector<Turn>> turns(const TurnFilter& filter) override;
  // The client's metric of cost is compared on its own host alone.
  Result<std::optional<CostCheck>> check_costs(std::int64_t now_ms) override;

 private:
  FleetSource(std::unique_ptr<FleetTable> table, std::string host)
      : table_(std::move(table)), host_(std::move(host)) {}

  // Gives `take` each event that fits, in the filter's order.
  Result<void> each(const EventFilter& filter, const FleetTable::TakeEvent& take);
  Result<void> count_in_table(StatsQuery& query);
  // "WHERE …" of conditions on the host and one more.
  std::string where(std::string_view condition) const;

  std::unique_ptr<FleetTable> table_;
  std::string host_;
};

}  // namespace picortex
