#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace picortex {

// The command line as data: what a shell's completion has to know of it. A plain value, made from
// the parser's own declarations.

// What may stand where a value is expected.
struct CompletionValue {
  enum class Kind : std::uint8_t {
    none,  // a flag without a value, or no argument
    text,  // anything; a shell proposes nothing
    words,
    file,
    directory,
    user,
    program,
  };

  Kind kind = Kind::none;
  std::vector<std::string> words = {};  // of Kind::words

  bool is_expected() const noexcept { return kind != Kind::none; }
};

struct CompletionFlag {
  std::vector<std::string> names;  // with their dashes, the short one first
  std::string meaning;
  CompletionValue value;
};

struct CommandNode {
  std::string name;
  std::string meaning;
  std::vector<CompletionFlag> flags;
  CompletionValue argument;
  std::vector<CommandNode> commands;
};

// Returns the value that an option takes, by the name of its value in the help ("FILE") and by what
// it allows in words ("auto, always or never").
CompletionValue completion_value(std::string_view placeholder, std::string_view allowed);

// Returns the beginning of an option's meaning, up to its first clause: what fits next to a name.
std::string short_meaning(std::string_view meaning);

}  // namespace picortex
