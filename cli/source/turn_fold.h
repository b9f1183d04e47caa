#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "handlers/ingest/claude/restored_turn.h"
#include "storage/query/event_reader.h"
#include "storage/query/turn_reader.h"
#include "storage/turn_table.h"

namespace picortex {

// Adds events up to turns, as the store does, in tables in memory: for events whose turns are in no
// database of this host. As after `db import`, no lost records are known.
class TurnFold {
 public:
  static Result<std::unique_ptr<TurnFold>> open();

  // Events must come in the order of time.
  Result<void> add(const EventRow& row);
  // All of them, the one that has most of `order` first.
  Result<std::vector<Turn>> turns(const TurnFilter& filter);

 private:
  explicit TurnFold(std::unique_ptr<Database> database);
  void note_denial(const EventRow& row);

  Database& database_;  // owned by the reader
  std::unique_ptr<TurnReader> reader_;
  TurnTable table_;
  RestoredTurn restored_;
  std::map<Uuid, std::vector<std::string>> denied_hosts_;
};

}  // namespace picortex
