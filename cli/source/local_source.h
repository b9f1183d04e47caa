#pragma once

#include <memory>
#include <string>

#include "cli/source/event_source.h"

namespace picortex {

// The store of this host, read with or without a running daemon.
class LocalSource final : public EventSource {
 public:
  static Result<std::unique_ptr<LocalSource>> open(const std::string& data_dir);

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
  Result<std::optional<CostCheck>> check_costs(std::int64_t now_ms) override;

  // For a follower, which needs the order of arrival.
  EventReader& reader() noexcept { return *reader_; }

 private:
  LocalSource(std::string data_dir, std::unique_ptr<EventReader> reader)
      : data_dir_(std::move(data_dir)), reader_(std::move(reader)) {}
  Result<TurnReader*> turn_reader();

  std::string data_dir_;
  std::unique_ptr<EventReader> reader_;
  std::unique_ptr<TurnReader> turns_;  // once turns are asked for
};

}  // namespace picortex
