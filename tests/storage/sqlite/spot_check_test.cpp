#include "storage/sqlite/spot_check.h"

#include <fcntl.h>

#include <algorithm>
#include <fstream>

#include "tests/storage/store_fixture.h"

using namespace picortex;

namespace {

// A database of some hundred pages, all of them in the file.
struct SpotCheckFixture : StoreFixture {
  SpotCheckFixture() {
    open();
    const std::string data = '"' + std::string(20'000, 'y') + '"';
    get(store->begin(kNow));
    for (int i = 0; i < 2000; ++i) {
      Event made = event(i % 7 == 0 ? "tmux.turn.start" : "linq.inbound", kNow + i);
      const std::string chat = "chat-" + std::to_string(i % 10);
      if (i % 3 != 0) made.chat_id = chat;
      if (i % 5 == 0) made.id = ids.next(kNow - 1000);
      if (i % 100 == 0) made.data = data;
      get(store->append(made));
    }
    commit();
    get(store->checkpoint());
  }

  void overwrite(std::int64_t at, std::string_view bytes) {
    const int file = ::open(path().c_str(), O_WRONLY | O_CLOEXEC);
    BOOST_REQUIRE(file >= 0);
    BOOST_REQUIRE(pwrite(file, bytes.data(), bytes.size(), at) ==
                  static_cast<ssize_t>(bytes.size()));
    // Not closed while SQLite has the file open: that would drop its locks.
    files.push_back(file);
  }
  ~SpotCheckFixture() {
    store.reset();
    for (const int file : files) close(file);
  }
  std::int64_t pages() const {
    return static_cast<std::int64_t>(std::filesystem::file_size(path())) / 4096;
  }
  std::int64_t root_of(std::string_view name) {
    return number("SELECT rootpage FROM sqlite_schema WHERE name = '" + std::string(name) + "'");
  }
  // Whether one of a few samples finds it.
  bool is_noticed() {
    for (int i = 0; i < 200; ++i) {
      if (const auto done = store->verify_sample(16); !done) {
        return fault_kind(done) == FaultKind::corrupt;
      }
    }
    return false;
  }

  std::vector<int> files;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(spot_check, SpotCheckFixture)

BOOST_AUTO_TEST_CASE(a_sound_database_passes_while_it_changes) {
  for (int i = 0; i < 50; ++i) {
    get(store->verify());
    get(store->verify_sample(16));
    put(event("linq.inbound", kNow + 5000 + i));
    if (i % 10 == 0) get(store->checkpoint());
  }
}

BOOST_AUTO_TEST_CASE(an_empty_database_passes) {
  const std::string other = directory + "/other";
  std::filesystem::create_directory(other);
  const auto empty = get(EventStore::open(other, kNow));
  get(empty->verify());
  get(empty->verify_sample(16));
}

BOOST_AUTO_TEST_CASE(a_header_that_is_overwritten_is_noticed_at_once) {
  const std::string sound = [this] {
    std::ifstream in(path(), std::ios::binary);
    std::string page(4096, '\0');
    in.read(page.data(), 4096);
    return page;
  }();
  const std::pair<std::size_t, std::string> spoils[] = {{0, std::string(4096, '\xa7')},
                                                        {0, std::string(4096, '\0')},
                                                        {0, "SQLite format 4"},
                                                        {16, std::string("\x20\x00", 2)},
                                                        {18, "\x01\x01"},
                                                        {80, "x"},
                                                        {100, "\x02"}};
  for (const auto& [at, bytes] : spoils) {
    overwrite(static_cast<std::int64_t>(at), bytes);
    BOOST_TEST((fault_kind(store->verify()) == FaultKind::corrupt));
    overwrite(0, sound);
    get(store->verify());
  }
  std::filesystem::resize_file(path(), 0);
  BOOST_TEST((fault_kind(store->verify()) == FaultKind::corrupt));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_cut_off_is_noticed) {
  std::filesystem::resize_file(path(), static_cast<std::uintmax_t>(pages() / 2 * 4096));
  BOOST_TEST(is_noticed());
}

BOOST_AUTO_TEST_CASE(garbage_after_the_header_is_noticed) {
  overwrite(4096, std::string(static_cast<std::size_t>(pages() - 1) * 4096, '\xa7'));
  get(store->verify());
  BOOST_TEST(is_noticed());
}

BOOST_AUTO_TEST_CASE(one_page_of_a_table_or_of_an_index_is_noticed) {
  for (const char* name :
       {"event", "event_by_type", "event_by_chat", "event_by_request", "event_by_client_id"}) {
    overwrite((root_of(name) - 1) * 4096, std::string(4096, '\xa7'));
    BOOST_TEST(is_noticed(), name);
    // The next one: from sound files.
    store.reset();
    for (const char* each : {"", "-wal", "-shm"}) std::filesystem::remove(path() + each);
    open();
    get(store->begin(kNow));
    for (int i = 0; i < 300; ++i) {
      Event made = event("linq.inbound", kNow + i);
      made.chat_id = "chat";
      if (i % 2 == 0) made.id = ids.next(kNow - 1000);
      get(store->append(made));
    }
    commit();
    get(store->checkpoint());
  }
}

// One client's event of long ago must not make every random place the same.
BOOST_AUTO_TEST_CASE(a_page_is_noticed_whatever_times_the_events_have) {
  put(event("linq.inbound", 1));
  get(store->checkpoint());
  overwrite((pages() / 2) * 4096, std::string(4096 * 8, '\xa7'));
  BOOST_TEST(is_noticed());
}

BOOST_AUTO_TEST_SUITE_END()
