#include "daemon/config/reference_page.h"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "daemon/config/options.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(reference_page)

namespace {

std::string file(const std::string& name) {
  std::ifstream stream(std::string(PICORTEX_SOURCE_DIR) + '/' + name);
  return {std::istreambuf_iterator<char>(stream), {}};
}

// Compares without showing both texts whole.
void check_is_current(const std::string& name, const std::string& page) {
  BOOST_TEST((file(name) == page), name << " is not what the declarations say: "
                                           "run cmake --build --preset dev --target reference");
}

}  // namespace

BOOST_AUTO_TEST_CASE(the_committed_pages_are_what_the_declarations_say) {
  check_is_current("docs/reference/configuration.md", configuration_page());
  check_is_current("deploy/picortex.conf.5", configuration_man_page());
}

BOOST_AUTO_TEST_CASE(every_page_has_every_option_once) {
  for (const std::string& page : {configuration_page(), configuration_man_page()}) {
    for (const OptionSection& section : kServeSections) {
      for (const Option* option : section.options) {
        const bool is_table = page.starts_with("<!--");
        const std::string entry = is_table ? "| `" + std::string(option->variable) + "`<br>"
                                           : ".BR " + std::string(option->variable) + " \"";
        const std::size_t at = page.find(entry);
        BOOST_TEST(at != page.npos, entry);
        BOOST_TEST(page.find(entry, at + 1) == page.npos, entry);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(every_option_is_declared_in_full) {
  std::set<std::string_view> flags, variables;
  for (const OptionSection& section : kServeSections) {
    for (const Option* option : section.options) {
      BOOST_TEST(flags.insert(option->flag).second, option->flag);
      BOOST_TEST(variables.insert(option->variable).second, option->variable);
      BOOST_TEST(option->flag.starts_with("--"));
      BOOST_TEST(!option->meaning.empty(), option->flag);
      BOOST_TEST(!option->meaning.ends_with('.'), option->flag);
      BOOST_TEST(!default_text(*option).empty(), option->flag);
      BOOST_TEST((option->range.is_given() || !option->allowed.empty() ||
                  option->kind == Option::Kind::toggle),
                 option->flag);
      BOOST_TEST(option->placeholder.empty() == (option->kind == Option::Kind::toggle),
                 option->flag);
      if (!option->see.empty()) {
        const std::string page = "docs/" + std::string(option->see) + ".md";
        BOOST_TEST(!file(page).empty(), page);
      }
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
