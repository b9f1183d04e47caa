// The man pages and the command line say the same.
#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>

#include "cli/command_line.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(man_pages)

namespace {

// A page as plain text: without the escapes of hyphens and the macros' quotes.
std::string page(const std::string& name) {
  std::ifstream stream(std::string(PICORTEX_SOURCE_DIR) + "/deploy/" + name);
  std::string text(std::istreambuf_iterator<char>(stream), {});
  std::erase(text, '\\');
  return text;
}

std::string help(std::vector<std::string> words) {
  words.emplace_back("--help");
  return std::get<Answer>(parse_command_line(words, {}, 200)).text;
}

// The first words of the indented lines after "Subcommands:".
std::vector<std::string> subcommands(const std::string& text) {
  std::vector<std::string> names;
  std::istringstream lines(text.substr(std::min(text.find("Subcommands:"), text.size())));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line) && line.starts_with("  ")) {
    if (line.size() > 2 && line[2] != ' ') names.push_back(line.substr(2, line.find(' ', 2) - 2));
  }
  return names;
}

// Every --flag in the text but --help.
std::vector<std::string> flags(const std::string& text) {
  std::vector<std::string> found;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t at = line.find("--");
    if (at > 5 || line.find("--help") != line.npos) continue;
    found.push_back(line.substr(at, line.find_first_of(" ,", at) - at));
  }
  return found;
}

}  // namespace

BOOST_AUTO_TEST_CASE(picortex_1_has_every_command) {
  const std::string text = page("picortex.1");
  const auto names = subcommands(help({}));
  BOOST_REQUIRE(names.size() > 8u);
  for (const std::string& name : names) {
    BOOST_TEST((text.find("picortex " + name) != text.npos || text.find("fB" + name) != text.npos),
               "picortex.1 lacks " << name);
  }
}

BOOST_AUTO_TEST_CASE(picortex_egress_8_has_every_command_and_flag) {
  const std::string text = page("picortex-egress.8");
  const auto names = subcommands(help({"egress"}));
  BOOST_REQUIRE(names.size() > 8u);
  for (const std::string& name : names) {
    BOOST_TEST((text.find(".B " + name) != text.npos || text.find(".BI " + name) != text.npos),
               "picortex-egress.8 lacks " << name);
    for (const std::string& flag : flags(help({"egress", name}))) {
      BOOST_TEST(text.find(flag) != text.npos, "picortex-egress.8 lacks " << flag);
    }
  }
}

BOOST_AUTO_TEST_SUITE_END()
