#include "cli/completion/completion_script.h"

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "cli/command_line.h"

using namespace picortex;

BOOST_AUTO_TEST_SUITE(completion_scripts)

namespace {

constexpr std::pair<const char*, const char*> kScripts[] = {
    {"bash", "picortex.bash"}, {"zsh", "_picortex"}, {"fish", "picortex.fish"}};

std::string answer(const std::vector<std::string>& words) {
  return std::get<Answer>(parse_command_line(words, {})).text;
}

std::string committed(const std::string& name) {
  std::ifstream file(std::string(PICORTEX_SOURCE_DIR) + "/deploy/completions/" + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

// The names at the beginnings of the lines of a help, from the line `from` on: of subcommands, or of
// options.
std::vector<std::string> names_in(const std::string& help, std::string_view beginning) {
  std::vector<std::string> names;
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("Examples:")) break;
    if (!line.starts_with("  ") || line.starts_with("   ")) continue;
    for (std::size_t at = 2; at < line.size() && line[at] != ' ';) {
      const std::size_t end = line.find_first_of(" ,", at);
      const std::string name = line.substr(at, end - at);
      if (name.starts_with(beginning)) names.push_back(name);
      if (end == line.npos || line[end] == ' ') break;
      at = end + 1;
    }
  }
  return names;
}

std::vector<std::string> subcommands(const std::string& help) {
  const std::size_t at = help.find("Subcommands:");
  return at == help.npos ? std::vector<std::string>() : names_in(help.substr(at), "");
}

// How a script names an option.
std::string spelled(std::string_view shell, const std::string& option) {
  if (shell != "fish") return option;
  return option.starts_with("--") ? "-l " + option.substr(2) : "-s " + option.substr(1);
}

// The part of a script that is about one command.
std::string part_of(std::string_view shell, const std::string& script, std::string path) {
  if (shell == "fish") {
    std::string part;
    std::istringstream lines(script);
    const std::string condition =
        path.empty() ? "'__picortex_at'" : "'__picortex_at " + path + '\'';
    for (std::string line; std::getline(lines, line);) {
      if (line.find(condition) != line.npos) part += line + '\n';
    }
    return part;
  }
  std::size_t begin;
  if (shell == "bash") {
    begin = script.find("    '" + path + "')\n");
  } else {
    std::ranges::replace(path, ' ', '_');
    begin = script.find("\n_picortex" + (path.empty() ? "" : '_' + path) + "() {\n");
  }
  BOOST_REQUIRE_MESSAGE(begin != script.npos, path);
  return script.substr(begin, script.find(shell == "bash" ? ";;" : "\n}\n", begin) - begin);
}

// Checks the command and those below it; returns how many names were looked for.
int check_names(std::string_view shell, const std::string& script, std::vector<std::string> path) {
  const std::string name = joined(path, " ");
  const std::string part = part_of(shell, script, name);
  int count = 0;
  path.emplace_back("--help");
  const std::string help = answer(path);
  path.pop_back();
  for (const std::string& option : names_in(help, "-")) {
    ++count;
    BOOST_TEST(part.find(spelled(shell, option)) != part.npos,
               shell << ": " << name << " lacks " << option);
  }
  for (const std::string& inner : subcommands(help)) {
    ++count;
    BOOST_TEST(part.find(inner) != part.npos, shell << ": " << name << " lacks " << inner);
    path.push_back(inner);
    count += check_names(shell, script, path);
    path.pop_back();
  }
  return count;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_command_and_option_of_the_help_is_in_every_script) {
  for (const auto& [shell, file] : kScripts) {
    BOOST_TEST(check_names(shell, answer({"completion", shell}), {}) > 200);
  }
}

BOOST_AUTO_TEST_CASE(the_committed_scripts_are_what_the_parser_has) {
  for (const auto& [shell, file] : kScripts) {
    BOOST_TEST((committed(file) == answer({"completion", shell})),
               file << " is not what picortex completion " << shell
                    << " prints: build the target reference");
  }
}

BOOST_AUTO_TEST_CASE(a_value_is_known_by_its_name_or_its_list) {
  const auto value = completion_value("WHEN", "auto, always or never");
  BOOST_TEST((value.kind == CompletionValue::Kind::words));
  BOOST_TEST(joined(value.words, "|") == "auto|always|never");
  BOOST_TEST(joined(completion_value("WHAT", "power or process").words, "|") == "power|process");
  BOOST_TEST((completion_value("FILE", "the path of a file").kind == CompletionValue::Kind::file));
  BOOST_TEST((completion_value("DIR", "").kind == CompletionValue::Kind::directory));
  for (const char* allowed : {"a UUID", "text", "read, write or admin, or several", "1 or 2", ""}) {
    BOOST_TEST((completion_value("X", allowed).kind == CompletionValue::Kind::text), allowed);
  }
  BOOST_TEST(!completion_value("", "true or 1, false or 0").is_expected());
}

BOOST_AUTO_TEST_CASE(quotes_of_a_meaning_do_not_end_it) {
  const CommandNode program{.name = "picortex",
                            .meaning = "",
                            .flags = {{{"--it"}, "it's [a] thing: such", {}}},
                            .argument = {},
                            .commands = {{"one", "the host's", {}, {}, {}}}};
  BOOST_TEST(zsh_completion(program).find("'*--it[it'\\''s \\[a\\] thing\\: such]'") !=
             std::string::npos);
  BOOST_TEST(fish_completion(program).find("-d 'the host\\'s'") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()
