#pragma once

#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "base/uuid/uuid_v7.h"
#include "storage/event_store.h"

namespace picortex {

inline constexpr std::int64_t kMinute = 60'000;
inline constexpr std::int64_t kDay = 1440 * kMinute;
// 2026-11-17T14:00:00.000Z, a full minute.
inline constexpr std::int64_t kNow = 1'794'924'000'000;

// Makes a database of version 4 of one of version 5.
inline const std::string kToVersion4 =
    "ALTER TABLE event DROP COLUMN compressed; DROP TABLE dictionary;"
    "DROP TABLE arrival; DROP TABLE rollup; DROP TABLE text_block;"
    "ALTER TABLE event DROP COLUMN arrival;"
    "DELETE FROM total WHERE name IN ('rollup_arrival', 'arrival_epoch', 'old_end_key',"
    " 'rollup_old_key'); PRAGMA user_version = 4;";

// The value, or the test ends with the fault's text.
template <class T>
T get(StoreResult<T> result) {
  if (!result) BOOST_FAIL(result.error().what);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// The fault's kind, or the test ends. The text must be one line that names the file.
template <class T>
FaultKind fault_kind(const StoreResult<T>& result) {
  if (result) BOOST_FAIL("succeeded though it should not");
  BOOST_TEST(result.error().what.find("picortex.db") != std::string::npos, result.error().what);
  BOOST_TEST(result.error().what.find('\n') == std::string::npos);
  return result.error().kind;
}

// A data directory of its own for each test, and a store in it.
struct StoreFixture {
  StoreFixture() {
    std::string pattern = (std::filesystem::temp_directory_path() / "picortex-XXXXXX").string();
    BOOST_REQUIRE(mkdtemp(pattern.data()) != nullptr);
    directory = pattern;
  }
  ~StoreFixture() {
    store.reset();
    std::filesystem::remove_all(directory);
  }

  std::string path() const { return directory + "/picortex.db"; }

  void open(std::int64_t now_ms = kNow) {
    store.reset();
    store = get(EventStore::open(directory, now_ms));
  }

  Event event(std::string_view type = "linq.inbound", std::int64_t time_ms = kNow) {
    Event made;
    made.time_ms = time_ms;
    made.event_type = type;
    made.msg = "hello";
    made.request_id = ids.next(kNow);
    return made;
  }

  // Stores one event in a transaction of its own; false when it was there.
  bool put(const Event& made, std::int64_t now_ms = kNow) {
    get(store->begin(now_ms));
    const bool stored = get(store->append(made));
    commit();
    return stored;
  }

  void save_metrics(std::int64_t now_ms) {
    if (!store->wants_to_save_metrics(now_ms)) return;
    get(store->begin(now_ms));
    get(store->save_metrics(now_ms));
    commit();
  }

  void commit() { get(store->commit()); }

  // A second connection, as a person's sqlite3 has.
  std::unique_ptr<Database> reader() const { return get(Database::open(path())); }
  std::int64_t number(std::string_view sql) const { return get(reader()->integer_of(sql)); }
  std::string text(std::string_view sql) const { return get(reader()->text_of(sql)); }

  std::string directory;
  std::unique_ptr<EventStore> store;
  UuidV7Generator ids;
};

}  // namespace picortex
