#include "base/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/ascii.h"
#include "base/json/json_text.h"

namespace picortex {

std::string display(std::string_view text) {
  constexpr std::size_t kShown = 200;
  std::string out;
  append_json_string(out, text.substr(0, kShown));
  if (text.size() > kShown) out += "…";
  return out;
}

std::string shell_word(std::string_view text) {
  constexpr std::string_view kPlainMarks = "@%_+=:,./-";
  const auto is_plain = [&](char c) {
    return is_alphanumeric(c) || kPlainMarks.find(c) != kPlainMarks.npos;
  };
  if (!text.empty() && std::ranges::all_of(text, is_plain)) return std::string(text);
  const auto is_shown = [](char c) { return c >= ' ' && c <= '~'; };
  const bool needs_escapes = !std::ranges::all_of(text, is_shown);
  std::string word = needs_escapes ? "$'" : "'";
  for (const char c : text) {
    if (!is_shown(c)) {
      constexpr std::string_view kOctal = "01234567";
      const auto byte = static_cast<unsigned char>(c);
      word.append({'\\', kOctal[byte >> 6], kOctal[byte >> 3 & 7], kOctal[byte & 7]});
    } else if (needs_escapes) {
      if (c == '\'' || c == '\\') word += '\\';
      word += c;
    } else if (c == '\'') {
      word += "'\\''";
    } else {
      word += c;
    }
  }
  return word + '\'';
}

bool takes_colours(const char* term, const char* no_color) noexcept {
  const bool is_wanted = no_color == nullptr || *no_color == '\0';
  return is_wanted && term != nullptr && *term != '\0' && std::string_view(term) != "dumb";
}

bool stdout_is_coloured() {
  const char* wanted = std::getenv("PICORTEX_COLOR");
  if (wanted != nullptr && std::string_view(wanted) == "always") return true;
  if (wanted != nullptr && std::string_view(wanted) == "never") return false;
  return isatty(STDOUT_FILENO) != 0 && takes_colours(std::getenv("TERM"), std::getenv("NO_COLOR"));
}

void print_notice(std::string_view command, std::string_view what) {
  std::string line = "picortex: ";
  if (!command.empty()) line.append(command).append(": ");
  line.append(what).append("\n");
  std::fwrite(line.data(), 1, line.size(), stderr);
}

int print_error(std::string_view command, std::string_view what, int exit_status) {
  print_notice(command, what);
  return exit_status;
}

}  // namespace picortex
