#include <utility>

#include "storage/index/arrival_block.h"
#include "storage/query/event_reader.h"

// The part of EventReader that reads the store's indexes (storage/index/) and the egress hosts.

namespace picortex {

StoreResult<void> EventReader::prepare_index_statements() {
  const std::string egress_hosts = "SELECT " + std::string(kEgressHostColumns) +
                                   " WHERE (name, port) > (?1, ?2) ORDER BY name, port LIMIT ?3";
  const std::pair<Statement*, const char*> statements[] = {
      {&find_chats_, "SELECT id FROM chat WHERE name >= ?1 AND name < ?2 LIMIT ?3"},
      {&chat_name_, "SELECT name FROM chat WHERE id = ?1"},
      {&type_name_, "SELECT name FROM event_type WHERE id = ?1"},
      {&last_arrivals_, "SELECT block, keys FROM arrival ORDER BY block DESC LIMIT 1"},
      {&total_, "SELECT value FROM total WHERE name = ?1"},
      {&arrivals_, "SELECT block, keys FROM arrival WHERE block >= ?1 ORDER BY block LIMIT 1"},
      {&facts_, "SELECT key, type, chat, level, arrival FROM event WHERE key = ?1"},
      {&scan_facts_,
       "SELECT key, type, chat, level, arrival FROM event WHERE key >= ?1 AND key <= ?2"
       " ORDER BY key LIMIT ?3"},
      {&scan_old_facts_,
       "SELECT key, type, chat, level, arrival FROM event WHERE key >= ?1 AND key <= ?2"
       " AND arrival IS NULL ORDER BY key LIMIT ?3"},
      {&counts_, "SELECT counts FROM rollup WHERE place = ?1"},
      {&next_counts_,
       "SELECT place, counts FROM rollup WHERE place >= ?1 AND place <= ?2 ORDER BY place LIMIT 1"},
      {&text_block_,
       "SELECT first, last, grams FROM text_block WHERE first <= ?1 ORDER BY first DESC LIMIT 1"},
      {&egress_hosts_, egress_hosts.c_str()}};
  return database_->prepare_all(statements);
}

namespace {

EventFacts facts_of(const Statement& row) {
  return {.key = row.integer(0),
          .type = row.integer(1),
          .chat = row.integer(2),
          .level = level_of_number(row.integer(3)).value_or(Level::fatal),
          .arrival = row.integer(4)};
}

}  // namespace

Fault EventReader::unreadable(const char* cause) const {
  return make_fault(FaultKind::corrupt, path(), cause);
}

StoreResult<std::vector<std::int64_t>> EventReader::chat_numbers(std::string_view prefix,
                                                                 int count_max) {
  return numbers_of(find_chats_, prefix, count_max);
}

StoreResult<std::string> EventReader::name_of(Statement& find, std::int64_t number) {
  if (!TRY(find.bind(1, number).step())) return std::string();
  std::string name(find.text(0));
  find.reset();
  return name;
}

StoreResult<std::string> EventReader::chat_name(std::int64_t number) {
  return name_of(chat_name_, number);
}

StoreResult<std::string> EventReader::type_name(std::int64_t number) {
  return name_of(type_name_, number);
}

StoreResult<std::int64_t> EventReader::last_arrival() {
  if (!TRY(last_arrivals_.step())) return 0;
  std::vector<std::int64_t> keys;
  const std::int64_t block = last_arrivals_.integer(0);
  const bool is_sound = ArrivalBlock::decode(last_arrivals_.text(1), keys);
  last_arrivals_.reset();
  if (!is_sound) return std::unexpected(unreadable("the order of arrival cannot be read"));
  return first_arrival_of(block) + std::ssize(keys) - 1;
}

StoreResult<std::int64_t> EventReader::total(std::string_view name, std::int64_t none) {
  return TRY(total_.bind_text(1, name).lookup()).value_or(none);
}

StoreResult<std::optional<std::int64_t>> EventReader::read_arrivals(
    std::int64_t from, std::vector<std::int64_t>& keys) {
  if (!TRY(arrivals_.bind(1, from).step())) return std::nullopt;
  const std::int64_t block = arrivals_.integer(0);
  const bool is_sound = ArrivalBlock::decode(arrivals_.text(1), keys);
  arrivals_.reset();
  if (!is_sound) return std::unexpected(unreadable("the order of arrival cannot be read"));
  return block;
}

StoreResult<std::optional<EventFacts>> EventReader::read_facts(std::int64_t key) {
  if (!TRY(facts_.bind(1, key).step())) return std::nullopt;
  const EventFacts facts = facts_of(facts_);
  facts_.reset();
  return facts;
}

StoreResult<void> EventReader::scan_facts(std::int64_t first, std::int64_t last,
                                          std::size_t rows_max, Scanned scanned,
                                          std::vector<EventFacts>& facts) {
  Statement& scan = scanned == Scanned::all ? scan_facts_ : scan_old_facts_;
  scan.bind(1, first).bind(2, last).bind(3, static_cast<std::int64_t>(rows_max));
  for (;;) {
    if (!TRY(scan.step())) return {};
    facts.push_back(facts_of(scan));
  }
}

StoreResult<void> EventReader::read_counts(std::int64_t place, std::vector<RollupCount>& counts) {
  if (!TRY(counts_.bind(1, place).step())) return {};
  const bool is_sound = decode_rollup(counts_.text(0), counts);
  counts_.reset();
  if (!is_sound) return std::unexpected(unreadable("the counts by hour cannot be read"));
  return {};
}

StoreResult<std::optional<std::int64_t>> EventReader::next_counts(
    std::int64_t from, std::int64_t to, std::vector<RollupCount>& counts) {
  if (!TRY(next_counts_.bind(1, from).bind(2, to).step())) return std::nullopt;
  const std::int64_t place = next_counts_.integer(0);
  const bool is_sound = decode_rollup(next_counts_.text(1), counts);
  next_counts_.reset();
  if (!is_sound) return std::unexpected(unreadable("the counts by hour cannot be read"));
  return place;
}

StoreResult<std::optional<EventReader::TextBlock>> EventReader::text_block(std::int64_t key,
                                                                           const TextNeeds& needs) {
  if (!TRY(text_block_.bind(1, key).step())) return std::nullopt;
  const std::int64_t last = text_block_.integer(1);
  std::optional<TextBlock> block;
  if (last >= key) {
    block = {text_block_.integer(0), last, needs.may_be_in(text_block_.text(2))};
  }
  text_block_.reset();
  return block;
}

StoreResult<void> EventReader::scan_egress_hosts(std::string_view name, std::int64_t port,
                                                 std::size_t rows_max,
                                                 std::vector<EgressHost>& hosts) {
  egress_hosts_.bind_text(1, name).bind(2, port).bind(3, static_cast<std::int64_t>(rows_max));
  while (TRY(egress_hosts_.step())) hosts.push_back(egress_host_of(egress_hosts_));
  return {};
}

}  // namespace picortex
