#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}  // namespace CLI

namespace picortex {

// Returns what is wrong with the first word that is not a subcommand or flag where one is expected,
// and which one was probably meant. Returns an empty text if something else is wrong.
std::string describe_typo(const CLI::App& program, const std::vector<std::string>& words);

}  // namespace picortex
