#include <functional>

#include "storage/query/arrival_query.h"
#include "storage/query/stats/stats_query.h"
#include "tests/storage/disk_model.h"
#include "tests/storage/store_fixture.h"

using namespace picortex;
using test::DiskModel;
using test::FileModel;
using test::RecordingVfs;

namespace {

// Before any connection is opened.
struct Recording {
  Recording() { RecordingVfs::install(); }
};
BOOST_TEST_GLOBAL_FIXTURE(Recording);

// Which fsyncs reach the disk; for the controls.
struct Disk {
  bool syncs_log = true;       // the owner's after a commit, and SQLite's before it copies pages
  bool syncs_header = true;    // SQLite's in a commit that restarts the log
  bool syncs_database = true;  // SQLite's once all pages are copied
};

// Owns a store as the daemon does, on a simulated disk, with other connections; cuts the power at
// random moments and looks at what is left.
struct PowerCutFixture : StoreFixture {
  static constexpr CheckpointLimits kLimits{.frames_per_round = 12, .frames_per_round_max = 18};
  static constexpr std::uint32_t kWritesPerCut = 23;

  PowerCutFixture() {
    after = directory + "/after";
    std::filesystem::create_directory(after);
  }
  ~PowerCutFixture() { RecordingVfs::disk = nullptr; }

  void run(int commits, const Disk& worth, bool with_others) {
    worth_ = worth;
    store = get(EventStore::open(directory, kNow, kLimits));
    other_ = reader();
    get(other_->execute("PRAGMA synchronous = FULL"));
    disk_.database.load(path());
    disk_.log.load(path() + "-wal");
    RecordingVfs::disk = &disk_;
    current = this;
    RecordingVfs::before_write = [] { current->may_cut(); };
    RecordingVfs::before_sync = [](bool is_log) { return current->reaches_disk(is_log); };
    for (int i = 0; i < commits && cuts_failed == 0; ++i) {
      if (with_others) disturb();
      commit_some();
    }
    RecordingVfs::before_write = nullptr;
    RecordingVfs::before_sync = nullptr;
    RecordingVfs::disk = nullptr;
    rounds = store->checkpoints();
  }

  void commit_some() {
    if (auto begun = store->begin(kNow); !begun) return store->rollback();
    const auto events = 1 + random_() % 6;
    for (std::uint32_t i = 0; i < events; ++i) {
      const std::string number = std::to_string(stored_ + i + 1);
      Event made = event(random_() % 3 == 0 ? "tmux.turn.start" : "linq.inbound", kNow + stored_);
      made.msg = number;
      const std::string chat = "chat-" + std::to_string(random_() % 20);
      made.chat_id = chat;
      made.data = data;
      get(store->append(made));
    }
    if (std::exchange(saves_metrics_, false)) get(store->save_metrics(kNow + stored_));
    commits_ = true;
    get(store->commit());
    commits_ = false;
    stored_ += events;
    const auto mark = disk_.log.mark();
    may_cut();
    if (worth_.syncs_log) disk_.log.synced(mark);
    acknowledged_ = stored_;
    restarting_ = false;
    if (store->wants_to_copy_log()) get(store->copy_log());
  }

  // SQLite syncs the log or the database.
  bool reaches_disk(bool is_log) {
    may_cut();
    if (!is_log) return worth_.syncs_database;
    if (!commits_) return worth_.syncs_log;
    ++restarts;
    restarting_ = true;
    may_cut();
    return worth_.syncs_header;
  }

  // Another process writes, checkpoints, or reads for a while.
  void disturb() {
    switch (random_() % 12) {
      case 0:
        // May find the store's lock.
        (void)other_->execute("INSERT OR REPLACE INTO total VALUES ('other', random())");
        break;
      case 1:
        if (!other_->in_transaction()) get(other_->checkpoint(CheckpointMode::passive));
        break;
      case 2:
        if (other_->in_transaction()) {
          other_->rollback();
        } else {
          get(other_->execute("BEGIN; SELECT count(*) FROM event"));
        }
        break;
      case 3:
        saves_metrics_ = true;
        break;
      default:
        if (other_->in_transaction() && random_() % 3 == 0) other_->rollback();
    }
  }

  void may_cut() {
    // Only then does the header matter.
    if (!worth_.syncs_header && !restarting_) return;
    if (random_() % (worth_.syncs_header ? kWritesPerCut : 2) != 0) return;
    ++cuts;
    DiskModel* const disk = std::exchange(RecordingVfs::disk, nullptr);
    const bool by_page = random_() % 2 == 0;
    disk->database.cut(random_, by_page, after + "/picortex.db");
    disk->log.cut(random_, by_page, after + "/picortex.db-wal");
    std::filesystem::remove(after + "/picortex.db-shm");
    if (!is_whole()) ++cuts_failed;
    RecordingVfs::disk = disk;
  }

  bool is_whole() const {
    auto database = Database::open(after + "/picortex.db");
    if (!database) return false;
    const auto check = (*database)->text_of("PRAGMA integrity_check");
    const auto rows = (*database)->integer_of("SELECT count(*) FROM event");
    const auto distinct = (*database)->integer_of("SELECT count(DISTINCT msg) FROM event");
    const auto last = (*database)->integer_of("SELECT ifnull(max(CAST(msg AS INT)), 0) FROM event");
    return check && *check == "ok" && rows && distinct && last && *rows == *distinct &&
           *rows == *last && *rows >= acknowledged_ && are_indexes_whole(*rows);
  }

  // The order of arrival has each event once, and the counts by hour are those of the rows.
  bool are_indexes_whole(std::int64_t rows) const {
    auto reader = EventReader::open(after);
    if (!reader) return false;
    constexpr QueryBudget kWhole{.rows_max = 100'000,
                                 .bytes_max = std::size_t{1} << 30,
                                 .time_max = std::chrono::minutes(1)};
    ArrivalQuery arrivals({}, 0);
    while (!arrivals.is_done()) {
      if (!arrivals.run(**reader, kWhole)) return false;
    }
    std::int64_t number = 0;
    for (const EventRow& row : arrivals.rows()) {
      if (row.msg != std::to_string(++number)) return false;
    }
    StatsQuery counts({.filter = {}, .by = {StatsDimension::of("hour")}});
    while (!counts.is_done()) {
      if (!counts.run(**reader, kWhole)) return false;
    }
    std::int64_t counted = 0;
    for (const StatsGroup& group : counts.take_groups()) counted += group.count;
    return number == rows && counted == rows && arrivals.gone() == 0;
  }

  inline static PowerCutFixture* current = nullptr;
  std::string after;
  std::string data;  // of each event
  int cuts = 0;
  int cuts_failed = 0;
  int restarts = 0;
  std::uint64_t rounds = 0;

 private:
  Disk worth_;
  DiskModel disk_;
  std::unique_ptr<Database> other_;
  std::mt19937 random_{20261117};
  std::int64_t stored_ = 0;
  std::int64_t acknowledged_ = 0;
  bool saves_metrics_ = false;
  bool commits_ = false;     // within a COMMIT of the store
  bool restarting_ = false;  // the log has a new header, and no synced commit yet
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(power_cut, PowerCutFixture)

BOOST_AUTO_TEST_CASE(what_was_acknowledged_is_there_once_and_the_file_is_sound) {
  run(700, {}, false);
  BOOST_TEST(cuts_failed == 0);
  BOOST_TEST(cuts > 200);
  BOOST_TEST(restarts > 20);
  BOOST_TEST(rounds > 100u);
}

BOOST_AUTO_TEST_CASE(the_same_while_others_write_read_and_checkpoint) {
  run(700, {}, true);
  BOOST_TEST(cuts_failed == 0);
  BOOST_TEST(cuts > 200);
  BOOST_TEST(restarts > 10);
}

// SQLite writes pages that its cache has no room for to the log before the commit, reads them back,
// and corrects their checksums once it has written them again.
BOOST_AUTO_TEST_CASE(the_same_with_transactions_larger_than_the_page_cache) {
  data = '"' + std::string(600'000, 'x') + '"';
  run(10, {}, true);
  BOOST_TEST(cuts_failed == 0);
  BOOST_TEST(cuts > 10);
}

// So the simulation sees it when a sync is missing.
BOOST_AUTO_TEST_CASE(without_the_logs_sync_events_are_lost) {
  run(700, {.syncs_log = false}, false);
  BOOST_TEST(cuts_failed > 0);
}

BOOST_AUTO_TEST_CASE(without_the_headers_sync_the_file_is_damaged) {
  run(5'000, {.syncs_header = false}, false);
  BOOST_TEST(cuts_failed > 0);
}

BOOST_AUTO_TEST_CASE(without_the_databases_sync_the_file_is_damaged) {
  run(700, {.syncs_database = false}, false);
  BOOST_TEST(cuts_failed > 0);
}

BOOST_AUTO_TEST_SUITE_END()
