#include "storage/directory_lock.h"

#include <stdlib.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <string>

using namespace picortex;

namespace {

struct LockFixture {
  LockFixture() {
    BOOST_REQUIRE(mkdtemp(root.data()) != nullptr);
    std::filesystem::create_directory(directory());
  }
  ~LockFixture() { std::filesystem::remove_all(root); }

  std::string directory() const { return root + "/data"; }
  void move_away() { std::filesystem::rename(directory(), root + "/moved"); }

  std::string root = (std::filesystem::temp_directory_path() / "picortex-XXXXXX").string();
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(directory_lock, LockFixture)

BOOST_AUTO_TEST_CASE(only_one_has_it_until_it_goes) {
  {
    auto first = DirectoryLock::take(directory());
    BOOST_REQUIRE(first.has_value());
    BOOST_TEST(first->hold().has_value());
    const auto second = DirectoryLock::take(directory());
    BOOST_REQUIRE(!second.has_value());
    BOOST_TEST((second.error().kind == FaultKind::busy));
    BOOST_TEST(second.error().what.find(directory()) != std::string::npos);
  }
  BOOST_TEST(DirectoryLock::take(directory()).has_value());
}

BOOST_AUTO_TEST_CASE(a_place_that_another_has_made_again_is_lost) {
  auto first = DirectoryLock::take(directory());
  move_away();
  std::filesystem::create_directory(directory());
  {
    const auto second = DirectoryLock::take(directory());
    BOOST_REQUIRE(second.has_value());
    const auto held = first->hold();
    BOOST_REQUIRE(!held.has_value());
    // Not `busy`, which the writer takes for a lock that passes within milliseconds.
    BOOST_TEST((held.error().kind == FaultKind::moved));
  }
  BOOST_TEST(first->hold().has_value());
  BOOST_TEST(!DirectoryLock::take(directory()).has_value());
}

BOOST_AUTO_TEST_CASE(a_free_place_is_taken) {
  auto lock = DirectoryLock::take(directory());
  std::filesystem::remove(directory() + "/lock");
  BOOST_TEST(lock->hold().has_value());
  BOOST_TEST(!DirectoryLock::take(directory()).has_value());
  move_away();
  BOOST_TEST(!lock->hold().has_value());
  std::filesystem::rename(root + "/moved", directory());
  BOOST_TEST(lock->hold().has_value());
}

BOOST_AUTO_TEST_CASE(a_link_in_its_place_is_not_followed) {
  std::filesystem::create_symlink(root + "/elsewhere", directory() + "/lock");
  const auto lock = DirectoryLock::take(directory());
  BOOST_REQUIRE(!lock.has_value());
  BOOST_TEST((lock.error().kind == FaultKind::open));
  BOOST_TEST(!std::filesystem::exists(root + "/elsewhere"));
}

BOOST_AUTO_TEST_SUITE_END()
