#include "storage/sqlite/spot_check.h"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/index/arrival_block.h"
#include "storage/index/gram_filter.h"
#include "storage/sqlite/store_vfs.h"

namespace picortex {
namespace {

// Offsets in the header (sqlite.org/fileformat2.html, section 1.3). Everything before the first is
// fixed once the file is created; the reserved part is zero; then follows the kind of page 1, the
// root of a table's tree.
constexpr std::string_view kMagic{"SQLite format 3", 16};
constexpr std::size_t kVersionsAt = 18;
constexpr std::string_view kVersions = "\2\2";  // of a database with a write-ahead log
constexpr std::size_t kFixedEnd = 24;
constexpr std::size_t kReservedBegin = 72;
constexpr std::size_t kReservedEnd = 92;
constexpr std::size_t kPageKindAt = 100;
constexpr std::uint8_t kTableInterior = 5;
constexpr std::uint8_t kTableLeaf = 13;

bool is_sound(std::span<const std::uint8_t> header) noexcept {
  const auto reserved = header.subspan(kReservedBegin, kReservedEnd - kReservedBegin);
  const std::uint8_t page_kind = header[kPageKindAt];
  return std::equal(kMagic.begin(), kMagic.end(), header.begin()) &&
         std::equal(kVersions.begin(), kVersions.end(), header.begin() + kVersionsAt) &&
         std::ranges::all_of(reserved, [](std::uint8_t byte) { return byte == 0; }) &&
         (page_kind == kTableInterior || page_kind == kTableLeaf);
}

Fault corrupt(const Database& database, const char* cause) {
  return make_fault(FaultKind::corrupt, database.path(), cause);
}

}  // namespace

StoreResult<void> SpotCheck::prepare(Database& reading) {
  reading_ = &reading;
  const std::pair<Statement*, const char*> statements[] = {
      {&first_, "SELECT min(key) FROM event"},
      {&last_, "SELECT max(key) FROM event"},
      // Searching for a text that does not occur reads all of it.
      {&event_,
       "SELECT key, type, chat, request, client_id,"
       " instr(msg, char(1114111, 1)) + ifnull(instr(data, char(1114111, 1)), 0), arrival, msg,"
       " data, compressed FROM event WHERE key >= ?1 ORDER BY key LIMIT 1"},
      {&by_type_, "SELECT 1 FROM event INDEXED BY event_by_type WHERE type = ?1 AND key = ?2"},
      {&by_chat_, "SELECT 1 FROM event INDEXED BY event_by_chat WHERE chat = ?1 AND key = ?2"},
      {&by_request_,
       "SELECT 1 FROM event INDEXED BY event_by_request WHERE request = ?1 AND key = ?2"},
      {&by_client_id_,
       "SELECT 1 FROM event INDEXED BY event_by_client_id WHERE client_id = ?1 AND key = ?2"},
      {&arrivals_, "SELECT keys FROM arrival WHERE block = ?1"},
      {&texts_,
       "SELECT last, grams FROM text_block WHERE first <= ?1 ORDER BY first DESC LIMIT 1"}};
  TRY(reading.prepare_all(statements));
  TRY(decompressor_.prepare(reading));
  header_ = TRY(read_header());
  return {};
}

StoreResult<SpotCheck::Header> SpotCheck::read_header() {
  Header header;
  if (reading_->file().read(header, 0)) return header;
  return std::unexpected(corrupt(*reading_, "its header cannot be read, or was cut off"));
}

StoreResult<void> SpotCheck::check_header() {
  const auto header = TRY(read_header());
  if (is_sound(header) && std::equal(header.begin(), header.begin() + kFixedEnd, header_.begin())) {
    return {};
  }
  return std::unexpected(corrupt(*reading_, "its header was overwritten while in use"));
}

StoreResult<void> SpotCheck::check_sample(int events) {
  // Within one transaction, so that an event and its entries are from the same moment.
  TRY(reading_->execute("BEGIN"));
  auto done = check_events(events);
  reading_->rollback();
  return done;
}

StoreResult<void> SpotCheck::check_events(int count) {
  const auto first = TRY(first_.lookup());
  const auto last = TRY(last_.lookup());
  if (!first || !last) return {};
  for (int i = 0; i < count; ++i) {
    reading_->release_cache();
    const auto span = static_cast<std::uint64_t>(*last - *first) + 1;
    const bool is_in_turn = i % 2 == 0;
    if (next_ < *first || next_ > *last) next_ = *first;
    const auto place = static_cast<std::int64_t>(random_.next() % span);
    const auto key = TRY(check_event(is_in_turn ? next_ : *first + place));
    if (key && is_in_turn) next_ = *key + 1;
  }
  return {};
}

StoreResult<std::optional<std::int64_t>> SpotCheck::check_event(std::int64_t from) {
  if (!TRY(event_.bind(1, from).step())) return std::nullopt;
  const std::int64_t key = event_.integer(0);
  const std::string request(event_.text(3));
  const std::string client_id(event_.text(4));
  by_type_.bind(1, event_.integer(1));
  by_chat_.bind(1, event_.integer(2));
  const bool has_chat = !event_.is_null(2);
  const bool has_client_id = !event_.is_null(4);
  const std::int64_t arrival = event_.integer(6);
  const std::string msg(event_.text(7));
  std::string data;
  TRY(decompressor_.read(event_.text(8), event_.text(9), data));
  event_.reset();
  const auto bytes_of = [](const std::string& text) {
    return std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
  };
  by_request_.bind_blob(1, bytes_of(request));
  by_client_id_.bind_blob(1, bytes_of(client_id));
  StoreResult<void> done = check_index(by_type_, key);
  if (done && has_chat) done = check_index(by_chat_, key);
  if (done) done = check_index(by_request_, key);
  if (done && has_client_id) done = check_index(by_client_id_, key);
  if (done && arrival > 0) done = check_arrival(arrival, key);
  if (done) done = check_text(key, msg, data);
  if (!done) return std::unexpected(std::move(done.error()));
  return key;
}

StoreResult<void> SpotCheck::check_arrival(std::int64_t arrival, std::int64_t key) {
  const std::int64_t block = arrival_block_of(arrival);
  const auto row = arrivals_.bind(1, block).step();
  if (!row) return std::unexpected(row.error());
  std::vector<std::int64_t> keys;
  const bool is_sound = *row && ArrivalBlock::decode(arrivals_.text(0), keys);
  arrivals_.reset();
  const std::int64_t place = arrival - first_arrival_of(block);
  if (is_sound && place < std::ssize(keys) && keys[static_cast<std::size_t>(place)] == key) {
    return {};
  }
  return std::unexpected(corrupt(*reading_, "the order of arrival lacks an event of the table"));
}

StoreResult<void> SpotCheck::check_text(std::int64_t key, std::string_view msg,
                                        std::string_view data) {
  const auto row = texts_.bind(1, key).step();
  if (!row) return std::unexpected(row.error());
  if (!*row) return {};
  // Looking at all of a large text would take long.
  constexpr std::size_t kTextLookedAt = 16 * 1024;
  msg = msg.substr(0, kTextLookedAt);
  data = data.substr(0, kTextLookedAt);
  const bool is_covered = texts_.integer(0) >= key;
  const std::string_view grams = texts_.text(1);
  const bool is_sound =
      !is_covered || (GramPlaces(msg).are_in(grams) && GramPlaces(data).are_in(grams));
  texts_.reset();
  if (is_sound) return {};
  return std::unexpected(corrupt(*reading_, "a filter for texts lacks what an event has"));
}

StoreResult<void> SpotCheck::check_index(Statement& index, std::int64_t key) {
  if (TRY(index.bind(2, key).lookup())) return {};
  return std::unexpected(corrupt(*reading_, "an index lacks an event that the table has"));
}

}  // namespace picortex
