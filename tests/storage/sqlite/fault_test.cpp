#include "storage/sqlite/fault.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <cstring>
#include <iostream>

#include "storage/sqlite/schema.h"
#include "tests/storage/store_fixture.h"

using namespace picortex;

namespace {

// A file system of its own for the data directory, in a mount namespace of the test's own: whatever
// ends the test, the mount goes with it.
struct MountFixture : StoreFixture {
  ~MountFixture() {
    store.reset();
    if (mounted && umount2(directory.c_str(), MNT_DETACH) != 0) std::perror("umount");
  }

  // False, with a line that says so, where mounting is not allowed.
  bool mount_tmpfs(const char* options) {
    if (unshare(CLONE_NEWNS) != 0 ||
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("tmpfs", directory.c_str(), "tmpfs", 0, options) != 0) {
      std::cerr << "skipped " << boost::unit_test::framework::current_test_case().p_name
                << ": needs root to mount a file system (" << strerror(errno) << ")\n";
      return false;
    }
    return mounted = true;
  }
  void remount(unsigned long flags) {
    BOOST_REQUIRE(mount(nullptr, directory.c_str(), nullptr, MS_REMOUNT | flags, nullptr) == 0);
  }

  bool mounted = false;
};

void overwrite(const std::string& path, off_t at, std::size_t size) {
  const int descriptor = open(path.c_str(), O_WRONLY | O_CLOEXEC);
  BOOST_REQUIRE(descriptor >= 0);
  const std::string garbage(size, '\xa7');
  BOOST_REQUIRE(pwrite(descriptor, garbage.data(), size, at) == static_cast<ssize_t>(size));
  close(descriptor);
}

// Stores events with `size` bytes of data each until one fails; rolls back and says why.
FaultKind fill_until_fault(StoreFixture& fixture, int events, std::size_t size, int& stored) {
  const std::string data(size, 'x');
  for (int i = 0; i < events; ++i) {
    Event made = fixture.event("tmux.turn.start");
    made.data = data;
    get(fixture.store->begin(kNow));
    auto done = fixture.store->append(made);
    const auto ended = done ? fixture.store->commit() : StoreResult<void>{};
    if (!done || !ended) {
      fixture.store->rollback();
      return done ? fault_kind(ended) : fault_kind(done);
    }
    ++stored;
  }
  BOOST_FAIL("never failed");
  return FaultKind::io;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(faults, MountFixture)

BOOST_AUTO_TEST_CASE(a_fault_is_one_line_whatever_the_cause_says) {
  const Fault fault = make_fault(FaultKind::full, "/x/picortex.db", "a\nb\x1b[31m");
  BOOST_TEST(fault.what == "/x/picortex.db: a\\nb\\u001b[31m; disk full: free some space");
}

BOOST_AUTO_TEST_CASE(a_full_disk_rejects_and_recovers_when_there_is_space) {
  if (!mount_tmpfs("size=2m,mode=0700")) return;
  open();
  int stored = 0;
  BOOST_TEST((fill_until_fault(*this, 10'000, 1000, stored) == FaultKind::full));
  BOOST_TEST(stored > 0);
  BOOST_TEST(store->metrics(kNow).turns_total == stored);
  store.reset();
  BOOST_REQUIRE(mount(nullptr, directory.c_str(), nullptr, MS_REMOUNT, "size=8m") == 0);
  open();
  put(event());
  BOOST_TEST(number("SELECT count(*) FROM event") == stored + 1);
  BOOST_TEST(store->metrics(kNow).turns_total == stored);
  BOOST_TEST(text("PRAGMA integrity_check") == "ok");
}

BOOST_AUTO_TEST_CASE(a_disk_full_at_the_start_is_reported) {
  if (!mount_tmpfs("size=8k,mode=0700")) return;
  BOOST_TEST((fault_kind(EventStore::open(directory, kNow)) == FaultKind::full));
}

BOOST_AUTO_TEST_CASE(a_read_only_file_system_is_reported_with_and_without_a_database) {
  if (!mount_tmpfs("size=8m,mode=0700")) return;
  remount(MS_RDONLY);
  BOOST_TEST((fault_kind(EventStore::open(directory, kNow)) == FaultKind::read_only));
  remount(0);
  open();
  put(event());
  store.reset();
  remount(MS_RDONLY);
  BOOST_TEST((fault_kind(EventStore::open(directory, kNow)) == FaultKind::read_only));
  remount(0);
  open();
  BOOST_TEST(number("SELECT count(*) FROM event") == 1);
}

BOOST_AUTO_TEST_CASE(a_directory_that_is_missing_is_reported) {
  BOOST_TEST((fault_kind(EventStore::open(directory + "/none", kNow)) == FaultKind::open));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_database_is_reported_and_left_alone) {
  open();
  store.reset();
  overwrite(path(), 0, 100);
  const auto size = std::filesystem::file_size(path());
  BOOST_TEST((fault_kind(EventStore::open(directory, kNow)) == FaultKind::corrupt));
  BOOST_TEST(std::filesystem::file_size(path()) == size);
}

BOOST_AUTO_TEST_CASE(garbage_after_the_header_is_reported) {
  open();
  put(event());
  open();  // copies the log into the file
  store.reset();
  overwrite(path(), 4096, std::filesystem::file_size(path()) - 4096);
  BOOST_TEST((fault_kind(EventStore::open(directory, kNow)) == FaultKind::corrupt));
}

BOOST_AUTO_TEST_CASE(garbage_among_the_events_is_met_by_the_probe_and_not_by_a_crash) {
  open();
  get(store->begin(kNow));
  const std::string data(300, 'x');
  for (int i = 0; i < 20'000; ++i) {
    Event made = event("x", kNow + i);
    made.data = data;
    get(store->append(made));
  }
  get(store->commit());
  open();
  store.reset();
  const auto size = static_cast<off_t>(std::filesystem::file_size(path())) / 4096 * 4096;
  overwrite(path(), size / 4096 / 4 * 4096, static_cast<std::size_t>(size / 2 / 4096 * 4096));
  auto opened = EventStore::open(directory, kNow);
  auto met = opened ? StoreResult<void>{} : std::unexpected(opened.error());
  for (int i = 0; met && i < 100; ++i) met = (*opened)->verify();
  BOOST_TEST((fault_kind(met) == FaultKind::corrupt));
}

BOOST_AUTO_TEST_CASE(a_newer_schema_is_reported_with_both_versions) {
  open();
  store.reset();
  get(reader()->execute("PRAGMA user_version = 99"));
  const auto opened = EventStore::open(directory, kNow);
  BOOST_TEST((fault_kind(opened) == FaultKind::newer_schema));
  const std::string versions = "version 99, this picortex knows " + std::to_string(kSchemaVersion);
  BOOST_TEST(opened.error().what.find(versions) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(another_programs_database_is_reported_and_left_alone) {
  { std::unique_ptr<FILE, int (*)(FILE*)> file(fopen(path().c_str(), "w"), fclose); }
  get(reader()->execute("CREATE TABLE precious (x)"));
  BOOST_TEST((fault_kind(EventStore::open(directory, kNow)) == FaultKind::corrupt));
  BOOST_TEST(text("PRAGMA journal_mode") == "delete");
  BOOST_TEST(number("SELECT count(*) FROM sqlite_schema") == 1);
}

BOOST_AUTO_TEST_CASE(a_database_with_our_version_but_other_contents_is_reported) {
  open();
  store.reset();
  get(reader()->execute("DELETE FROM total"));
  BOOST_TEST((fault_kind(EventStore::open(directory, kNow)) == FaultKind::corrupt));
  get(reader()->execute("DROP TABLE metrics"));
  BOOST_TEST((fault_kind(EventStore::open(directory, kNow)) == FaultKind::corrupt));
}

BOOST_AUTO_TEST_CASE(a_hostile_trigger_does_not_run) {
  open();
  store.reset();
  get(reader()->execute("CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM event; END"));
  open();
  put(event());
  BOOST_TEST(number("SELECT count(*) FROM event") == 1);
}

BOOST_AUTO_TEST_CASE(a_deleted_or_replaced_file_never_swallows_an_acknowledged_event) {
  for (const char* suffix : {"", "-wal"}) {
    for (const bool replaced : {false, true}) {
      open();
      put(event());
      const std::string file = path() + suffix;
      if (replaced) {
        std::filesystem::copy_file(file, file + ".new");
        std::filesystem::rename(file + ".new", file);
      } else {
        std::filesystem::rename(file, file + ".away");
      }
      BOOST_TEST((fault_kind(store->verify()) == FaultKind::moved));
      Event lost = event();
      lost.id = ids.next(kNow);
      get(store->begin(kNow));
      auto done = store->append(lost);
      auto ended = done ? store->commit() : StoreResult<void>(std::unexpected(done.error()));
      BOOST_TEST((fault_kind(ended) == FaultKind::moved));
      store->rollback();
      BOOST_TEST(store->metrics(kNow).turns_total == 0);
      store.reset();
      for (const char* each : {"", "-wal", "-shm"}) std::filesystem::remove(path() + each);
      open();
      BOOST_TEST(put(lost));
      store.reset();
      for (const char* each : {"", "-wal", "-shm"}) std::filesystem::remove(path() + each);
    }
  }
}

BOOST_AUTO_TEST_CASE(anothers_write_lock_is_busy_and_passes) {
  open();
  const auto other = reader();
  get(other->execute("BEGIN IMMEDIATE"));
  BOOST_TEST((fault_kind(store->begin(kNow)) == FaultKind::busy));
  store->rollback();
  auto more = EventStore::open(directory, kNow);
  BOOST_TEST((fault_kind(more) == FaultKind::busy));
  get(store->verify());
  get(store->checkpoint());
  get(other->execute("COMMIT"));
  BOOST_TEST(put(event()));
}

BOOST_AUTO_TEST_CASE(destroying_a_store_in_mid_transaction_is_safe_and_copies_nothing) {
  open();
  put(event());
  const auto log_size = std::filesystem::file_size(path() + "-wal");
  get(store->begin(kNow));
  get(store->append(event()));
  store.reset();
  BOOST_TEST(std::filesystem::file_size(path() + "-wal") == log_size);
  open();
  BOOST_TEST(number("SELECT count(*) FROM event") == 1);
}

BOOST_AUTO_TEST_SUITE_END()
