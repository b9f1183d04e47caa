#include "daemon/config/reference_page.h"

#include "daemon/config/options.h"

namespace picortex {
namespace {

constexpr std::string_view kPrecedence =
    "Every option of `picortex serve` is a flag, an environment variable, and a line `NAME=value` "
    "of an optional config file, in that order of precedence. An empty variable counts as unset. "
    "A wrong value is rejected at the start with one line that names the option, the value and "
    "what is allowed; `picortex serve --check` says so without starting.";

constexpr std::string_view kFile =
    "The config file is the one that `--config` or `PICORTEX_CONFIG` names, else "
    "/etc/picortex/picortex.conf when it exists. Blank lines and lines that begin with # or ; are "
    "skipped, blanks around a value are stripped, and quotes around it removed, as in systemd's "
    "EnvironmentFile.";

std::string_view reload_text(Option::Reload reload) noexcept {
  switch (reload) {
    case Option::Reload::restart:
      return "restart";
    case Option::Reload::at_once:
      return "reload";
    case Option::Reload::while_on:
      return "reload, but restart to turn it on or off";
  }
  return "";
}

std::string with_default(const Option& option) {
  const std::string_view text = default_text(option);
  return text.empty() ? "none" : std::string(text);
}

// Within a cell of a table a bar would end it, and <…> would be a tag.
std::string in_cell(std::string_view text) {
  std::string cell;
  for (const char one : text) {
    if (one == '|' || one == '<' || one == '*') cell += '\\';
    cell += one;
  }
  return cell;
}

void append_row(std::string& page, const Option& option) {
  page.append("| `").append(option.variable).append("`<br>`").append(option.flag);
  if (!option.placeholder.empty()) page.append(" ").append(option.placeholder);
  page.append("` | ").append(in_cell(option.meaning));
  if (!option.see.empty()) page.append(" ([more](../").append(option.see).append(".md))");
  page.append(" | ").append(in_cell(with_default(option)));
  page.append(" | ").append(in_cell(allowed_values(option)));
  if (!option.example.empty()) page.append("; example: `").append(option.example).append("`");
  page.append(" | ").append(reload_text(option.reload)).append(" |\n");
}

// A line of running text: what would be a request or an escape is plain.
std::string in_roff(std::string_view text) {
  std::string plain;
  bool is_code = false;
  for (const char one : text) {
    if (one == '`') {
      plain += is_code ? "\\fR" : "\\fB";
      is_code = !is_code;
    } else if (one == '\\') {
      plain += "\\e";
    } else if (one == '-') {
      plain += "\\-";
    } else if ((one == '.' || one == '\'') && plain.empty()) {
      plain.append("\\&").append(1, one);
    } else {
      plain += one;
    }
  }
  return plain;
}

void append_entry(std::string& page, const Option& option) {
  page.append(".TP\n.BR ").append(option.variable).append(" \" (").append(in_roff(option.flag));
  if (!option.placeholder.empty()) page.append(" ").append(option.placeholder);
  page.append(")\"\n").append(in_roff(option.meaning)).append(".\n");
  page.append("Default: ").append(in_roff(with_default(option))).append(".\n");
  page.append("Values: ").append(in_roff(allowed_values(option))).append(".\n");
  if (!option.example.empty()) {
    page.append("Example: ").append(in_roff(option.example)).append(".\n");
  }
  page.append("A change takes effect at a ").append(reload_text(option.reload)).append(".\n");
}

}  // namespace

std::string configuration_page() {
  std::string page =
      "<!-- Made from daemon/config/options/ by `cmake --build --preset dev --target reference`. "
      "-->\n\n# Configuration\n\n";
  page.append(kPrecedence).append("\n\n").append(kFile).append("\n\n");
  page +=
      "A *list* is separated by commas, and its flag may be repeated. What takes effect at a "
      "*reload* is read again at SIGHUP (`systemctl reload picortex`); the rest needs a restart. "
      "Options of the other commands: [commands](cli.md).\n";
  for (const OptionSection& section : kServeSections) {
    page.append("\n## ").append(section.title).append("\n\n");
    page += "| option | meaning | default | values | takes effect at |\n|---|---|---|---|---|\n";
    for (const Option* option : section.options) append_row(page, *option);
  }
  return page;
}

std::string configuration_man_page() {
  std::string page =
      ".\\\" Made from daemon/config/options/ by: cmake --build --preset dev --target reference\n"
      ".TH PICORTEX.CONF 5 \"\" picortex \"File Formats\"\n"
      ".SH NAME\npicortex.conf \\- configuration of picortex serve\n"
      ".SH SYNOPSIS\n.I /etc/picortex/picortex.conf\n.SH DESCRIPTION\n";
  page.append(in_roff(kPrecedence)).append("\n.PP\n").append(in_roff(kFile)).append("\n");
  page +=
      ".PP\nA list is separated by commas, and its flag may be repeated. What takes effect at a "
      "reload is read again at SIGHUP; the rest needs a restart.\n";
  for (const OptionSection& section : kServeSections) {
    page.append(".SH \"").append(section.title).append("\"\n");
    for (const Option* option : section.options) append_entry(page, *option);
  }
  page += ".SH \"SEE ALSO\"\n.BR picortex (1),\n.BR picortex-egress (8)\n";
  return page;
}

}  // namespace picortex
