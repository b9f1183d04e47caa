#include "cli/help_text.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "base/parse.h"
#include "cli/output/table.h"

namespace picortex {
namespace {

constexpr std::size_t kWidthLeast = 40;

// The width on a terminal: UTF-8's continuation bytes take none.
// Where the meaning of an option begins: after its name and at least two blanks. 0 if the line has
// no such part.
std::size_t meaning_of(std::string_view line) {
  const std::size_t name = line.find_first_not_of(' ');
  if (name == line.npos || name == 0) return 0;
  const std::size_t gap = line.find("  ", name);
  if (gap == line.npos) return 0;
  const std::size_t meaning = line.find_first_not_of(' ', gap);
  return meaning == line.npos ? 0 : meaning;
}

void append_wrapped(std::string& out, std::string_view line, std::size_t width) {
  const std::size_t meaning = meaning_of(line);
  const std::size_t indent =
      meaning > 0 ? meaning : std::min(line.find_first_not_of(' '), line.size());
  if (width_of(line) <= width || indent + 10 > width) {
    out.append(line).append("\n");
    return;
  }
  out.append(line.substr(0, indent));
  std::size_t column = indent;
  bool is_first = true;
  for (std::string_view rest = line.substr(indent); !rest.empty();) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    if (!is_first && column + 1 + width_of(word) > width) {
      out.append("\n").append(indent, ' ');
      column = indent;
      is_first = true;
    }
    if (!is_first) out += ' ';
    column += width_of(word) + (is_first ? 0 : 1);
    out += word;
    is_first = false;
  }
  out += '\n';
}

struct Examples {
  std::string_view command;
  std::string_view lines;
};

constexpr Examples kExamples[] = {
    {"",
     "picortex serve\n"
     "picortex logs --since today --chat chat-1\n"
     "picortex why --chat chat-1 --last\n"
     "picortex doctor\n"},
    {"serve",
     "picortex serve --data-dir /var/lib/picortex\n"
     "picortex serve --check\n"
     "PICORTEX_EGRESS_MODE=learn picortex serve\n"},
    {"health",
     "picortex health\n"
     "picortex health --json --timeout 500ms\n"},
    {"doctor",
     "sudo picortex doctor\n"
     "sudo picortex doctor --client-user bot\n"
     "picortex doctor --json\n"},
    {"run",
     "picortex run -- make test\n"
     "picortex run --chat chat-1 -- claude -p 'build it'\n"},
    {"emit",
     "picortex emit deploy.done --msg 'version 1.10 is live' version=1.10 duration_ms:=5400\n"
     "picortex emit job.step --chat chat-1 --level warn\n"
     "printf '%s\\n' '{\"event_type\":\"job.end\",\"n\":3}' | picortex emit\n"},
    {"logs",
     "picortex logs --since today\n"
     "picortex logs -f --level warn\n"
     "picortex logs --chat chat-1 --since 'monday 9am' --until 'monday noon'\n"
     "picortex logs --type 'linq.*' --text 'build it' -n 20\n"
     "picortex logs --where 'duration_ms>60000' --since 'last week' --json\n"},
    {"why",
     "picortex why --chat chat-1 --last\n"
     "picortex why 019a2222\n"},
    {"turns",
     "picortex turns --since today\n"
     "picortex turns --sort cost --since 'this week' -n 10\n"},
    {"stats",
     "picortex stats --by type --since today\n"
     "picortex stats --by hour --type 'linq.*' --chart --since yesterday\n"
     "picortex stats --by chat --p95 duration_ms --since 'last month'\n"},
    {"chats",
     "picortex chats --since 7d\n"
     "picortex chats --level error --json\n"},
    {"errors",
     "picortex errors --since 'this week'\n"
     "picortex errors --resolve 3f2a\n"
     "picortex errors --all --chat chat-1\n"},
    {"db",
     "picortex db check\n"
     "picortex db backup /backup/picortex-monday.db\n"},
    {"token",
     "picortex token create bot --scope write\n"
     "picortex token list\n"},
    {"claude",
     "sudo picortex claude install\n"
     "picortex claude status\n"},
    {"egress",
     "picortex egress allow docs.example.org --for 1h\n"
     "picortex egress list\n"
     "sudo picortex egress status\n"},
    {"help",
     "picortex help\n"
     "picortex help egress allow\n"},
    {"version", "picortex version\n"},
    {"completion",
     "source <(picortex completion bash)\n"
     "picortex completion zsh > /usr/local/share/zsh/site-functions/_picortex\n"
     "picortex completion fish > ~/.config/fish/completions/picortex.fish\n"},
    {"db check", "picortex db check --data-dir /var/lib/picortex\n"},
    {"db backup", "picortex db backup /backup/picortex-monday.db\n"},
    {"db restore", "picortex db restore /backup/picortex-monday.db\n"},
    {"db export",
     "picortex db export --since 'last month' > events.ndjson\n"
     "picortex db export | zstd > events.ndjson.zst\n"},
    {"db import",
     "picortex db import events.ndjson\n"
     "zstdcat events.ndjson.zst | picortex db import\n"},
    {"token create",
     "picortex token create bot --scope write\n"
     "picortex token create grafana --scope read > grafana.token\n"},
    {"token list", "picortex token list\n"},
    {"token revoke", "picortex token revoke grafana\n"},
    {"token rotate", "picortex token rotate bot > bot.token\n"},
    {"claude install",
     "sudo picortex claude install\n"
     "sudo picortex claude install --listen 127.0.0.1:8787\n"},
    {"claude status", "picortex claude status\n"},
    {"claude remove", "sudo picortex claude remove\n"},
    {"claude hook", "picortex claude hook < hook.json\n"},
    {"egress allow",
     "picortex egress allow docs.example.org\n"
     "picortex egress allow '*.example.org' --for 1h\n"
     "picortex egress allow github.com --upload 100M --for 1h\n"
     "picortex egress allow 'github.com:22 dns-only'\n"},
    {"egress deny",
     "picortex egress deny docs.example.org\n"
     "picortex egress deny docs.example.org:8443\n"},
    {"egress list", "picortex egress list\npicortex egress list --grants\n"},
    {"egress hosts",
     "picortex egress hosts\npicortex egress hosts --verdict denied --text github\n"},
    {"egress test",
     "picortex egress test docs.example.org\n"
     "picortex egress test '[2606:4700:4700::1111]:443'\n"
     "picortex egress test --edit new-allowlist.txt --since 30d\n"},
    {"egress why", "picortex egress why docs.example.org\n"},
    {"egress request",
     "picortex egress request docs.example.org --reason 'the manual of the library'\n"},
    {"egress proposals", "picortex egress proposals\n"},
    {"egress approve", "picortex egress approve 4711 --for 1d\n"},
    {"egress suggest", "picortex egress suggest\n"},
    {"egress selftest",
     "sudo picortex egress selftest\n"
     "sudo picortex egress selftest --egress-user chat-user --forbidden-host example.com\n"},
    {"egress install",
     "sudo picortex egress install --egress-mode enforce --egress-user chat-user\n"},
    {"egress remove", "sudo picortex egress remove\n"},
    {"egress status", "sudo picortex egress status\n"},
};

}  // namespace

std::size_t help_width() {
  winsize size{};
  if (isatty(STDOUT_FILENO) != 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 &&
      size.ws_col > 0) {
    return std::max<std::size_t>(size.ws_col, kWidthLeast);
  }
  const char* columns = std::getenv("COLUMNS");
  const auto width = parse_whole<std::size_t>(columns == nullptr ? "" : columns, 1, 10'000);
  return width ? std::max(*width, kWidthLeast) : 0;
}

std::string wrapped_help(std::string_view help, std::size_t width) {
  if (width == 0) return std::string(help);
  std::string out;
  while (!help.empty()) {
    const std::string_view line = help.substr(0, help.find('\n'));
    help.remove_prefix(std::min(help.size(), line.size() + 1));
    append_wrapped(out, line, width);
  }
  return out;
}

std::string_view examples_of(std::string_view command) {
  const auto found = std::ranges::find(kExamples, command, &Examples::command);
  return found == std::end(kExamples) ? std::string_view() : found->lines;
}

}  // namespace picortex
