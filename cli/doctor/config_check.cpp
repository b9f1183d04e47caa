#include <algorithm>
#include <cerrno>
#include <optional>
#include <utility>

#include "base/ascii.h"
#include "base/parse.h"
#include "base/terminal.h"
#include "cli/doctor/checks.h"
#include "cli/suggestion.h"
#include "daemon/config/config_file.h"
#include "daemon/config/options.h"

namespace picortex {
namespace {

constexpr int kWrongMax = 100;  // wrong lines or values; more are not looked for

// The text of a file, of which single lines can be looked at and emptied.
class NumberedText {
 public:
  explicit NumberedText(std::string text) : text_(std::move(text)) {}

  const std::string& text() const noexcept { return text_; }
  // `number` counts from 1.
  std::string_view line(int number) const {
    const std::size_t begin = begin_of(number);
    return std::string_view(text_).substr(begin,
                                          std::min(text_.find('\n', begin), text_.size()) - begin);
  }
  void empty(int number) { text_.erase(begin_of(number), line(number).size()); }

 private:
  std::size_t begin_of(int number) const {
    std::size_t begin = 0;
    for (; number > 1; --number) begin = std::min(text_.find('\n', begin), text_.size() - 1) + 1;
    return begin;
  }

  std::string text_;
};

std::string comment_out(const std::string& file, int number) {
  return "sed -i '" + std::to_string(number) + "s/^/# /' " + shell_word(file);
}

// A name that is none is usually another one, misspelt.
std::string correction_of(const std::string& file, int number, std::string_view line) {
  const std::string name(line.substr(0, line.find('=')));
  const bool is_name =
      std::ranges::all_of(name, [](char c) { return is_alphanumeric(c) || c == '_'; });
  if (!is_name || is_config_variable(name)) return comment_out(file, number);
  std::vector<std::string> names;
  for (const Option* option : kServeOptions) names.emplace_back(option->variable);
  const std::string meant = nearest_name(name, names);
  if (meant.empty()) return comment_out(file, number);
  return "sed -i '" + std::to_string(number) + "s/^" + name + "=/" + meant + "=/' " +
         shell_word(file);
}

// The options of the lines that are right; the others are reported. `parse_config` stops at the
// first wrong line, so that line is emptied and the rest parsed again.
ConfigLines parse_lines(const std::string& file, std::string text, Findings& findings) {
  NumberedText lines(std::move(text));
  for (int wrong = 0; wrong < kWrongMax; ++wrong) {
    auto parsed = parse_config(lines.text(), {});
    if (parsed) return *std::move(parsed);
    std::string_view what = parsed.error().what;  // ":7: …"
    what.remove_prefix(1);
    const int number = take_whole<int>(what).value_or(1);
    findings.problem("config.line",
                     shell_word(file) + ':' + std::to_string(number) + std::string(what),
                     correction_of(file, number, lines.line(number)));
    lines.empty(number);
  }
  return {};
}

const Option* find_option(std::string_view error) {
  for (const Option* option : kServeOptions) {
    if (!error.starts_with(option->flag)) continue;
    const std::string_view rest = error.substr(option->flag.size());
    if (rest.starts_with(' ') || rest.starts_with(':')) return option;
  }
  return nullptr;
}

struct ConfigText {
  ConfigLines lines;
  std::string file;  // empty: none is read
};

ConfigText read_config(const FlagValues& flags, const Environment& environment, const Host& host,
                       Findings& findings) {
  Settings places(flags, environment, {}, {});
  const bool is_named = places.is_given(kConfig);
  std::string file =
      places.one(kConfig, [](std::string_view text) { return std::optional(std::string(text)); });
  auto text = host.read(file);
  if (text) {
    ConfigLines lines = parse_lines(file, *std::move(text), findings);
    return {std::move(lines), std::move(file)};
  }
  const int code = text.error().code;
  if (!is_named && (code == ENOENT || code == ENOTDIR)) {
    findings.ok("config.file", "there is no " + shell_word(file) + ": the defaults count");
  } else if (code == EACCES) {
    findings.skipped("config.file", text.error().what + ": its options are not known here");
  } else {
    findings.problem("config.file", text.error().what,
                     "install -D -m 640 /dev/null " + shell_word(file));
  }
  return {};
}

// Takes the wrong value away, so that the next one is found. Returns the fix; nothing if a flag of
// this command line gave it.
std::optional<std::string> drop(const Option& option, const FlagValues& flags,
                                Environment& environment, ConfigText& config) {
  if (flags.contains(option.variable)) return std::nullopt;
  const auto variable = environment.find(option.variable);
  if (variable != environment.end() && !variable->second.empty()) {
    environment.erase(variable);
    return "unset " + std::string(option.variable);
  }
  const auto line = config.lines.find(option.variable);
  if (line == config.lines.end()) return std::nullopt;
  std::string fix = comment_out(config.file, line->second.number);
  config.lines.erase(line);
  return fix;
}

}  // namespace

CheckedConfig check_config(const FlagValues& flags, const Environment& given, const Host& host,
                           Findings& findings) {
  Environment environment = given;
  ConfigText config = read_config(flags, environment, host, findings);
  CheckedConfig checked;
  checked.file = config.file;
  checked.has_secret = config.lines.contains(kLinqSecret.variable);
  for (int wrong = 0; wrong < kWrongMax; ++wrong) {
    Settings settings(flags, environment, config.lines, config.file);
    auto options = read_serve_options(settings);
    if (options) {
      checked.options = *std::move(options);
      break;
    }
    const std::string& what = options.error().what;
    const Option* option = find_option(what);
    const auto fix = option != nullptr ? drop(*option, flags, environment, config) : std::nullopt;
    if (!fix) {
      checked.wrong_flag = what;
      return checked;
    }
    findings.problem("config.value", what, *fix);
  }
  if (findings.worst() == Severity::ok && !checked.file.empty()) {
    findings.ok("config.file", shell_word(checked.file) + " sets " +
                                   std::to_string(config.lines.size()) + " options, all valid");
  }
  return checked;
}

Examined examine(const Host& host, const CheckedConfig& config) {
  Examined examined{.host = host, .config = config, .daemon_user = host.user_of(host.uid)};
  if (const auto directory = host.look(config.options.data_dir)) {
    examined.has_data_dir = S_ISDIR(directory->st_mode);
    examined.daemon_user = host.user_of(directory->st_uid);
  }
  return examined;
}

}  // namespace picortex
