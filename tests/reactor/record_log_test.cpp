#include "reactor/record_log.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "tests/cli/temporary_directory.h"
#include "tests/support/scripted_loop.h"

using namespace picortex;
using test::Request;
using State = RecordLog::State;

namespace {

// A daemon's life with the files. What is written to them is what the test has the kernel write.
struct Life : test::ScriptedLoop {
  explicit Life(const std::string& path) {
    auto opened =
        RecordLog::open(*reactor, path, "test 1", RecordLog::Restore::to<&Life::restore>(*this));
    BOOST_REQUIRE(opened.has_value());
    log = std::move(*opened);
    for (const std::string& record : restored) log->append(record);
    log->end_copy();
  }
  // Killed, with a write that the kernel may be holding.
  ~Life() {
    if (script.is_asked(Request::Kind::write)) end_write(-ECANCELED);
  }

  bool restore(std::string_view fields) noexcept {
    if (fields == "foreign") return false;
    std::erase(restored, fields);
    restored.emplace_back(fields);
    return true;
  }

  // The kernel writes that much of what it was given.
  void write(std::size_t size = ~std::size_t{0}) {
    const Request& request = script.request(Request::Kind::write);
    const ssize_t written =
        ::write(request.file, request.bytes.data(), std::min(size, request.bytes.size()));
    end_write(static_cast<int>(written));
  }
  void end_write(int result) {
    script.complete(Request::Kind::write, -1, result);
    reactor->iterate();
  }
  void write_all() {
    reactor->iterate();
    while (script.is_asked(Request::Kind::write)) write();
  }
  // A new generation with these records, if one is due.
  bool tick(const std::vector<std::string>& live = {}) {
    if (!log->tick()) return false;
    for (const std::string& record : live) log->append(record);
    log->end_copy();
    return true;
  }

  std::vector<std::string> restored;
  std::unique_ptr<RecordLog> log;
};

struct RecordLogFixture {
  std::string text(const char* which) const {
    std::ifstream in(path + which);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void put(const char* which, const std::string& content) const {
    std::ofstream(path + which, std::ios::trunc) << content;
    chmod((path + which).c_str(), 0600);
  }
  std::vector<std::string> restored() const { return Life(path).restored; }
  std::size_t damaged() const {
    const Life life(path);
    return life.log->damaged()[0] + life.log->damaged()[1];
  }

  TemporaryDirectory directory;
  std::string path = directory.path() + "/log";
};

using Texts = std::vector<std::string>;

}  // namespace

BOOST_FIXTURE_TEST_SUITE(record_log, RecordLogFixture)

BOOST_AUTO_TEST_CASE(a_record_is_pending_until_the_kernel_has_written_all_of_it) {
  {
    Life life(path);
    life.write_all();
    const std::uint64_t place = life.log->append("one");
    BOOST_TEST((life.log->state_of(place) == State::pending));
    life.reactor->iterate();
    life.write(3);
    BOOST_TEST((life.log->state_of(place) == State::pending));
    life.write();
    BOOST_TEST((life.log->state_of(place) == State::written));
    BOOST_TEST(life.log->is_idle());
    life.log->append("two");
  }
  BOOST_TEST(restored() == Texts{"one"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(records_of_a_write_that_is_out_wait_for_the_next_one) {
  Life life(path);
  life.write_all();
  const std::uint64_t first = life.log->append("one");
  life.reactor->iterate();
  const std::uint64_t second = life.log->append("two");
  life.reactor->iterate();
  BOOST_TEST(life.script.count(Request::Kind::write) == 1u);
  life.write();
  BOOST_TEST((life.log->state_of(first) == State::written));
  BOOST_TEST((life.log->state_of(second) == State::pending));
  life.write();
  BOOST_TEST((life.log->state_of(second) == State::written));
}

BOOST_AUTO_TEST_CASE(a_write_that_fails_loses_its_records_until_a_generation_has_them) {
  Life life(path);
  life.write_all();
  const std::uint64_t out = life.log->append("one");
  life.reactor->iterate();
  const std::uint64_t waiting = life.log->append("two");
  life.end_write(-ENOSPC);
  const std::uint64_t late = life.log->append("three");
  for (const std::uint64_t place : {out, waiting, late}) {
    BOOST_TEST((life.log->state_of(place) == State::lost));
  }
  BOOST_TEST(!life.log->can_write());
  BOOST_TEST(life.log->failure_text() == "No space left on device");
  BOOST_TEST(life.log->failures() == 2u);
  // Not again before the next tick, however often the loop goes round.
  life.iterate(3);
  BOOST_TEST(!life.script.is_asked(Request::Kind::write));
  BOOST_TEST(life.tick({"one", "two", "three"}));
  BOOST_TEST((life.log->state_of(out) == State::lost));
  BOOST_TEST(!life.log->can_write());
  life.write_all();
  BOOST_TEST(life.log->can_write());
  for (const std::uint64_t place : {out, waiting, late}) {
    BOOST_TEST((life.log->state_of(place) == State::written));
  }
  BOOST_TEST(restored() == (Texts{"one", "two", "three"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_write_that_does_not_end_holds_nothing_and_is_named) {
  Life life(path);
  life.write_all();
  const std::uint64_t place = life.log->append("one");
  life.reactor->iterate();
  life.pass(RecordLog::kAnswerMax - std::chrono::milliseconds(1));
  BOOST_TEST(!life.tick());
  BOOST_TEST(life.log->can_write());
  life.pass(std::chrono::milliseconds(1));
  BOOST_TEST(!life.tick());
  BOOST_TEST(!life.log->can_write());
  BOOST_TEST((life.log->state_of(place) == State::lost));
  BOOST_TEST(life.log->failure_text() == "the file system does not answer");
  life.write();
  BOOST_TEST(life.log->can_write());
  BOOST_TEST((life.log->state_of(place) == State::written));
}

BOOST_AUTO_TEST_CASE(what_waits_for_a_silent_disk_is_bounded) {
  Life life(path);
  life.write_all();
  const std::uint64_t out = life.log->append("one");
  life.reactor->iterate();
  const std::string record(100, 'r');
  for (std::size_t i = 0; i < RecordLog::kPendingMax / 100; ++i) life.log->append(record);
  BOOST_TEST(!life.log->can_write());
  BOOST_TEST(!life.tick());
  life.write();
  BOOST_TEST((life.log->state_of(out) == State::written));
  BOOST_TEST(life.tick({"one"}));
  life.write_all();
  BOOST_TEST(life.log->is_whole());
}

// Whenever the daemon is killed while a generation is being written, at the start or later, and
// however often: a file that is whole is overwritten only after the other one is.
BOOST_AUTO_TEST_CASE(one_file_is_whole_at_any_time) {
  const Texts live{"one", "three", "two"};
  {
    Life life(path);
    for (const std::string& record : live) life.log->append(record);
    life.write_all();
  }
  for (std::size_t size = 0; size < 80; ++size) {
    Life life(path);
    std::ranges::sort(life.restored);
    BOOST_REQUIRE(life.restored == live);
    life.reactor->iterate();
    life.write(size);
    if (size % 2 == 0) continue;  // killed
    // A retry that is cut short, too.
    life.end_write(-EIO);
    BOOST_REQUIRE(life.tick(live));
    life.reactor->iterate();
    life.write(size);
  }
  BOOST_TEST(restored().size() == live.size());
}

BOOST_AUTO_TEST_CASE(a_generation_ends_when_it_has_grown) {
  Life life(path);
  const std::string record(400, 'r');
  std::size_t generations = 0;
  for (int i = 0; i < 20'000; ++i) {
    life.log->append(record);
    life.write_all();
    generations += life.tick({"one"}) ? 1 : 0;
  }
  BOOST_TEST(generations > 2u);
  BOOST_TEST(text(".a").size() < 2 * RecordLog::kRotationMin);
  BOOST_TEST(text(".b").size() < 2 * RecordLog::kRotationMin);
  life.write_all();
  // What is left of an older generation is no damage.
  BOOST_TEST(damaged() == 0u);
}

BOOST_AUTO_TEST_CASE(a_damaged_line_costs_no_other_and_is_counted) {
  {
    Life life(path);
    for (const char* record : {"one", "two", "three"}) life.log->append(record);
    life.write_all();
  }
  const std::string whole = text(".a");
  for (const auto& [from, to] : {std::pair<std::string, std::string>{" two ", " tvo "},
                                 {"1 two", "7 two"},
                                 {"1 two", "\n1 two"},
                                 {" two ", " foreign "}}) {
    std::string bad = whole;
    bad.replace(bad.find(from), from.size(), to);
    put(".a", bad);
    std::filesystem::remove(path + ".b");
    BOOST_TEST(damaged() == 1u);
    put(".a", bad);
    BOOST_TEST(restored().size() == (to.starts_with('\n') ? 3u : 2u));
  }
  for (const std::string& bad : {std::string("test 2 1\n"), std::string("test 1 -1\n"),
                                 std::string(100'000, '\0'), whole.substr(0, 5)}) {
    put(".a", bad);
    std::filesystem::remove(path + ".b");
    BOOST_TEST(damaged() == 1u);
  }
  std::filesystem::remove(path + ".b");
  put(".a", "");
  BOOST_TEST(damaged() == 0u);
}

BOOST_AUTO_TEST_CASE(a_file_that_others_could_have_written_is_not_believed) {
  const auto opens = [this] {
    test::ScriptedLoop loop;
    return RecordLog::open(*loop.reactor, path, "test 1", {}).has_value();
  };
  put(".b", "");
  chmod((path + ".b").c_str(), 0644);
  BOOST_TEST(!opens());
  std::filesystem::remove(path + ".b");
  std::filesystem::create_symlink("/etc/passwd", path + ".b");
  BOOST_TEST(!opens());
  std::filesystem::remove(path + ".b");
  std::filesystem::create_directory(path + ".b");
  BOOST_TEST(!opens());
  std::filesystem::remove(path + ".b");
  put(".b", "");
  std::filesystem::resize_file(path + ".b", RecordLog::kFileSizeMax + 1);
  BOOST_TEST(!opens());
  put(".b", "");
  BOOST_TEST(opens());
}

BOOST_AUTO_TEST_CASE(stop_writes_what_is_pending) {
  {
    Life life(path);
    life.log->append("one");
    life.reactor->iterate();
    life.log->append("two");
    life.log->stop();
    life.write();
    BOOST_TEST(!life.log->is_idle());
    life.write();
    BOOST_TEST(life.log->is_idle());
    BOOST_TEST(!life.tick());
  }
  BOOST_TEST(restored() == (Texts{"one", "two"}), boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
