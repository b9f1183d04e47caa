#include "cli/egress/allowlist_files.h"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>

#include "base/read_file.h"
#include "tests/cli/temporary_directory.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(egress_lists)

namespace {

constexpr const char* kList =
    "# mine\n"
    "good.test   # the good one\n"
    "\n"
    "good.test:8443\n"
    "*.good.test\n"
    "10.0.0.0/8:22\n"
    "what is this\n"
    "last.test";

std::string without(std::string_view pattern, int wanted) {
  int removed = 0;
  std::string text = without_rules(kList, pattern, removed);
  BOOST_TEST(removed == wanted);
  return text;
}

std::string contents(const std::string& path) { return read_small_file(path, 4096).value(); }

}  // namespace

BOOST_AUTO_TEST_CASE(a_rule_is_appended_as_a_line_of_its_own) {
  BOOST_TEST(with_rule("", "a.test") == "a.test\n");
  BOOST_TEST(with_rule("# x", "a.test") == "# x\na.test\n");
  BOOST_TEST(with_rule("# x\n", "a.test") == "# x\na.test\n");
}

BOOST_AUTO_TEST_CASE(only_the_lines_of_the_pattern_are_removed_and_comments_stay) {
  const std::string rest = without("GOOD.test.", 2);  // any port
  BOOST_TEST(rest == "# mine\n\n*.good.test\n10.0.0.0/8:22\nwhat is this\nlast.test");
  BOOST_TEST(without("good.test:8443", 1).find("the good one") != std::string::npos);
  BOOST_TEST(without("*.good.test", 1).find("good.test:8443") != std::string::npos);
  BOOST_TEST(without("10.0.0.0/8", 1).find("10.0") == std::string::npos);
  BOOST_TEST(without("last.test", 1).ends_with("what is this\n"));
  BOOST_TEST(without("other.test", 0) == kList);
}

BOOST_AUTO_TEST_CASE(expired_rules_are_removed_and_everything_else_stays) {
  BOOST_TEST(without_expired("# c\na.test expires=2020-01-01T00:00:00Z\n"
                             "b.test expires=2099-01-01T00:00:00Z\nbad line x\n",
                             1'794'924'000'000) ==
             "# c\nb.test expires=2099-01-01T00:00:00Z\nbad line x\n");
}

BOOST_AUTO_TEST_CASE(a_pattern_is_one_rule_and_nothing_else) {
  for (const char* good : {"a.test", "*.a.test", "a.test:22 dns-only", "[2001:db8::1]:443"}) {
    BOOST_TEST((pattern_problem(good) == nullptr), good);
  }
  for (const char* bad : {"", " ", "a.test # x", "a.test\nb.test", "a_b..c", "a.test:0", "*"}) {
    BOOST_TEST((pattern_problem(bad) != nullptr), bad);
  }
}

BOOST_AUTO_TEST_CASE(an_edit_replaces_the_file_with_its_mode_and_through_a_link) {
  const TemporaryDirectory directory;
  const std::string file = directory.write("list.txt", "a.test\n");
  BOOST_REQUIRE(chmod(file.c_str(), 0640) == 0);
  const std::string link = directory.path() + "/link.txt";
  BOOST_REQUIRE(symlink(file.c_str(), link.c_str()) == 0);
  {
    auto edit = RulesEdit::open(link);
    BOOST_REQUIRE(edit.has_value());
    BOOST_TEST(edit->text() == "a.test\n");
    BOOST_TEST(edit->replace("b.test\n").has_value());
  }
  BOOST_TEST(contents(file) == "b.test\n");
  BOOST_TEST(std::filesystem::is_symlink(link));
  struct stat status;
  BOOST_REQUIRE(stat(file.c_str(), &status) == 0);
  BOOST_TEST((status.st_mode & 07777) == 0640u);
  BOOST_TEST(!std::filesystem::exists(file + ".new"));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_not_there_is_made_where_its_directory_is) {
  const TemporaryDirectory directory;
  const std::string file = directory.path() + "/new.txt";
  BOOST_TEST(RulesEdit::open(file)->replace("a.test\n").has_value());
  BOOST_TEST(contents(file) == "a.test\n");
  const auto missing = RulesEdit::open(directory.path() + "/none/list.txt");
  BOOST_REQUIRE(!missing.has_value());
  BOOST_TEST(missing.error().what.find("/none") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(all_sources_are_loaded_and_bad_lines_named) {
  const TemporaryDirectory directory;
  const std::string file = directory.write("list.txt", "good.test\nbad line\n");
  directory.write("egress-temporary.txt", "soon.test expires=2099-01-01T00:00:00Z\n");
  std::string problems;
  const auto rules = load_rules(file, directory.path(), problems);
  BOOST_REQUIRE(rules.has_value());
  BOOST_TEST(problems.find("list.txt:2: ") != std::string::npos);
  for (const char* name : {"github.com", "good.test", "soon.test"}) {
    BOOST_TEST(rules->match({.name = name, .port = 443}, 1).has_value(), name);
  }
}

BOOST_AUTO_TEST_SUITE_END()
