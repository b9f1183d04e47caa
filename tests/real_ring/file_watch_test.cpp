#include "reactor/file_watch.h"

#include <stdlib.h>

#include <filesystem>
#include <fstream>

#include "tests/real_ring/ring_fixture.h"

using namespace picortex;

namespace {

struct FileWatchFixture : test::RingFixture {
  FileWatchFixture() { BOOST_REQUIRE(mkdtemp(directory.data()) != nullptr); }
  ~FileWatchFixture() {
    if (watch != nullptr) {
      watch->stop();
      BOOST_TEST(iterate_until([this] { return watch->is_idle(); }));
    }
    std::filesystem::remove_all(directory);
  }

  // Watches the files of those names; false where there is no ring.
  bool start(const std::vector<std::string>& names,
             FileWatch::Scope scope = FileWatch::Scope::directories) {
    if (reactor == nullptr) return false;
    std::vector<std::string> paths;
    for (const std::string& name : names) paths.push_back(directory + '/' + name);
    auto opened = FileWatch::open(*reactor, paths,
                                  Callback<>::to<&FileWatchFixture::on_change>(*this), scope);
    BOOST_REQUIRE(opened.has_value());
    watch = std::move(*opened);
    watch->start();
    return true;
  }
  void write(const std::string& name) const { std::ofstream(directory + '/' + name) << "text\n"; }
  void on_change() noexcept { ++reports; }
  bool is_reported() {
    const bool seen = iterate_until([this] { return reports > 0; });
    reports = 0;
    return seen;
  }

  std::string directory = "/tmp/picortex-watch-XXXXXX";
  std::unique_ptr<FileWatch> watch;
  int reports = 0;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(file_watch, FileWatchFixture)

BOOST_AUTO_TEST_CASE(a_file_that_is_written_replaced_or_removed_is_reported) {
  if (!start({"list"})) return;
  write("list");
  BOOST_TEST(is_reported());
  write("list.new");
  std::filesystem::rename(directory + "/list.new", directory + "/list");
  BOOST_TEST(is_reported());
  std::filesystem::remove(directory + "/list");
  BOOST_TEST(is_reported());
}

BOOST_AUTO_TEST_CASE(other_files_of_the_directory_are_not_reported) {
  if (!start({"list"})) return;
  write("other");
  write("list.new");
  write("lis");
  // The report of what comes after them shows that they have been passed over.
  write("list");
  BOOST_TEST(iterate_until([this] { return reports > 0; }));
  BOOST_TEST(reports == 1);
}

BOOST_AUTO_TEST_CASE(each_of_several_files_is_watched) {
  std::filesystem::create_directory(directory + "/inner");
  if (!start({"list", "inner/list"})) return;
  write("inner/list");
  BOOST_TEST(is_reported());
  write("list");
  BOOST_TEST(is_reported());
}

BOOST_AUTO_TEST_CASE(a_directory_that_comes_later_is_found_by_a_retry) {
  if (!start({"later/list"})) return;
  watch->retry();
  BOOST_TEST(reports == 0);
  std::filesystem::create_directory(directory + "/later");
  watch->retry();
  BOOST_TEST(reports == 1);
  reports = 0;
  write("later/list");
  BOOST_TEST(is_reported());
}

BOOST_AUTO_TEST_CASE(a_directory_that_goes_is_reported_and_looked_for_again) {
  std::filesystem::create_directory(directory + "/inner");
  if (!start({"inner/list"})) return;
  std::filesystem::remove_all(directory + "/inner");
  BOOST_TEST(is_reported());
  std::filesystem::create_directory(directory + "/inner");
  watch->retry();
  BOOST_TEST(reports == 1);
}

BOOST_AUTO_TEST_CASE(a_file_under_another_path_is_watched_where_the_scope_says_so) {
  std::filesystem::create_directory(directory + "/inner");
  write("inner/list");
  // As a mount does, a link gives the same file a second name in another directory.
  std::filesystem::create_hard_link(directory + "/inner/list", directory + "/other");
  if (!start({"inner/list"}, FileWatch::Scope::files_too)) return;
  write("other");
  BOOST_TEST(is_reported());
}

BOOST_AUTO_TEST_CASE(nothing_is_reported_after_the_stop) {
  if (!start({"list"})) return;
  watch->stop();
  write("list");
  BOOST_TEST(iterate_until([this] { return watch->is_idle(); }));
  BOOST_TEST(reports == 0);
}

BOOST_AUTO_TEST_SUITE_END()
