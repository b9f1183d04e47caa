#include "storage/sqlite/checkpoint.h"

#include <sys/wait.h>

#include "tests/storage/store_fixture.h"

using namespace picortex;

namespace {

struct CheckpointFixture : StoreFixture {
  static constexpr CheckpointLimits kLimits{.frames_per_round = 100, .frames_per_round_max = 200};

  CheckpointFixture() { store = get(EventStore::open(directory, kNow, kLimits)); }

  // Stores until the log has `frames` pages; runs no round.
  void grow_log(int frames) {
    while (store->wal().frames < frames) put(event("linq.inbound", kNow + stored++));
  }
  // A read transaction of another connection.
  std::unique_ptr<Database> begin_reading() const {
    auto other = reader();
    get(other->execute("BEGIN; SELECT count(*) FROM event"));
    return other;
  }
  int copied() const { return store->wal().copied; }

  std::int64_t stored = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(checkpoint, CheckpointFixture)

BOOST_AUTO_TEST_CASE(a_round_copies_the_log_and_the_next_commit_restarts_it) {
  BOOST_TEST(!store->wants_to_copy_log());
  grow_log(120);
  BOOST_TEST(store->wants_to_copy_log());
  get(store->copy_log());
  BOOST_TEST(!store->wants_to_copy_log());
  BOOST_TEST(copied() == store->wal().frames);
  put(event());
  BOOST_TEST(store->wal().frames < 20);
}

BOOST_AUTO_TEST_CASE(whatever_has_piled_up_no_round_copies_more_than_its_limit) {
  auto other = begin_reading();
  grow_log(1500);
  get(store->copy_log());
  other.reset();
  store->look_after_log().value();
  int rounds = 0;
  for (int before = copied(); store->wants_to_copy_log(); before = copied(), ++rounds) {
    get(store->copy_log());
    BOOST_TEST(copied() > before);
    BOOST_TEST(copied() - before <= kLimits.frames_per_round_max);
  }
  BOOST_TEST(rounds >= 7);
  BOOST_TEST(store->wal().frames - copied() < kLimits.frames_per_round);
  BOOST_TEST(number("SELECT count(*) FROM event") == stored);
  BOOST_TEST(text("PRAGMA integrity_check") == "ok");
}

// A round that is bounded leaves pages half copied; a reader must still see one moment.
BOOST_AUTO_TEST_CASE(readers_see_one_moment_while_a_backlog_is_copied) {
  auto other = begin_reading();
  grow_log(1000);
  other.reset();
  store->look_after_log().value();
  while (store->wants_to_copy_log()) {
    get(store->copy_log());
    const auto reads = begin_reading();
    BOOST_TEST(get(reads->integer_of("SELECT count(*) FROM event")) == stored);
    BOOST_TEST(get(reads->text_of("PRAGMA integrity_check")) == "ok");
    put(event("linq.inbound", kNow + stored++));
  }
}

BOOST_AUTO_TEST_CASE(with_a_long_reader_a_round_is_tried_now_and_then) {
  const auto other = begin_reading();
  grow_log(150);
  get(store->copy_log());
  BOOST_TEST(copied() < 100);
  BOOST_TEST(!store->wants_to_copy_log());
  get(store->look_after_log());
  BOOST_TEST(store->wants_to_copy_log());
  get(store->copy_log());
  grow_log(260);
  BOOST_TEST(store->wants_to_copy_log());
}

BOOST_AUTO_TEST_CASE(with_several_readers_the_oldest_counts) {
  grow_log(50);
  const int oldest_mark = store->wal().frames;
  auto oldest = begin_reading();
  grow_log(400);
  const int newer_mark = store->wal().frames;
  auto newer = begin_reading();
  grow_log(800);
  get(store->copy_log());
  BOOST_TEST(copied() == oldest_mark);
  oldest.reset();
  for (int i = 0; i < 10; ++i) {
    get(store->look_after_log());
    if (store->wants_to_copy_log()) get(store->copy_log());
  }
  BOOST_TEST(copied() == newer_mark);
  newer.reset();
  get(store->look_after_log());
  while (store->wants_to_copy_log()) get(store->copy_log());
  BOOST_TEST(store->wal().frames - copied() < 100);
}

BOOST_AUTO_TEST_CASE(a_long_log_is_truncated_once_it_is_copied_and_has_no_reader) {
  auto other = begin_reading();
  const std::string data = '"' + std::string(1'000'000, 'x') + '"';
  while (store->log_size() <= EventStore::kLogKept) {
    Event made = event();
    made.data = data;
    put(made);
  }
  get(store->look_after_log());
  BOOST_TEST(store->log_size() > EventStore::kLogKept);
  other.reset();
  get(store->look_after_log());
  while (store->wants_to_copy_log()) get(store->copy_log());
  get(store->look_after_log());
  BOOST_TEST(store->log_size() == 0);
  BOOST_TEST(put(event()));
  BOOST_TEST(text("PRAGMA integrity_check") == "ok");
}

BOOST_AUTO_TEST_CASE(the_process_that_reads_is_named) {
  BOOST_TEST(store->log_readers().empty());
  grow_log(50);
  int ready[2];
  int release[2];
  BOOST_REQUIRE((pipe(ready) == 0 && pipe(release) == 0));
  const pid_t child = fork();
  BOOST_REQUIRE(child >= 0);
  if (child == 0) {
    char byte = 'r';
    close(release[1]);
    const auto reads = begin_reading();
    if (write(ready[1], &byte, 1) != 1) _exit(1);
    _exit(read(release[0], &byte, 1) == 0 ? 0 : 2);
  }
  close(release[0]);
  char byte = 0;
  BOOST_REQUIRE(read(ready[0], &byte, 1) == 1);
  grow_log(100);
  const auto newer = begin_reading();  // does not hold the log back
  const auto readers = store->log_readers();
  close(release[1]);
  int status = 0;
  BOOST_REQUIRE(waitpid(child, &status, 0) == child);
  BOOST_REQUIRE(readers.size() == 1u);
  BOOST_TEST(readers[0].pid == child);
  BOOST_TEST(!readers[0].name.empty());
  for (const int file : {ready[0], ready[1]}) close(file);
}

BOOST_AUTO_TEST_CASE(only_read_locks_of_the_file_count) {
  const std::string list =
      "1: POSIX  ADVISORY  READ 4242 fe:01:131 123 127\n"
      "2: POSIX  ADVISORY  WRITE 4243 fe:01:131 120 120\n"
      "3: FLOCK  ADVISORY  WRITE 4244 fe:01:131 0 EOF\n"
      "4: POSIX  ADVISORY  READ 4245 fe:01:1310 124 124\n"
      "5: -> POSIX  ADVISORY  READ 4246 fe:01:131 124 124\n"
      "6: POSIX  ADVISORY  READ -1 fe:01:131 126 126\n"
      "7: POSIX  ADVISORY  READ\n"
      "\n"
      "x: POSIX  ADVISORY  READ x y:z z z\n"
      "8: POSIX  ADVISORY  READ 4247 fe:01:131 125 125";
  const std::vector<FileLock> expected{{4242, 123}, {-1, 126}, {4247, 125}};
  BOOST_TEST((parse_locks(list, 131) == expected));
  BOOST_TEST(parse_locks("", 131).empty());
}

BOOST_AUTO_TEST_SUITE_END()
