#include <simdjson.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <span>

#include "base/json/json_text.h"
#include "base/terminal.h"
#include "base/time/clock.h"
#include "base/time/timestamp.h"
#include "cli/client/event_post.h"
#include "cli/client/http_client.h"
#include "cli/egress/allowlist_files.h"
#include "cli/egress/egress_command.h"
#include "cli/egress/rule_width.h"
#include "cli/output/table.h"
#include "netfilter/policy/rule_uses.h"

namespace picortex {
namespace {

using simdjson::dom::element;

int bad_pattern(const EgressOptions& options, const char* reason) {
  return egress_failed(
      2, display(options.argument) + " is no rule: " + reason +
             "; give HOST, *.HOST, HOST:PORT or ADDRESS/BITS:PORT; a name may be followed by "
             "private, dns-only and upgrade, and any of them by upload=");
}

// Prints the rules that may still allow a name or network that is denied.
void print_still_permitted(const EgressOptions& options) {
  std::string problems;
  const auto rules = load_rules(options.allowlist, options.data_dir, problems);
  const auto name = HostName::parse(options.argument.substr(0, options.argument.find(':')));
  if (!rules || !name) return;
  if (const auto rule = rules->match({.name = name->view()}, kSystemClock.unix_ms())) {
    const Rule& found = rules->rules()[*rule];
    std::printf("still permitted by %s (%s)\n", found.text.c_str(),
                std::string(source_label(found.source)).c_str());
  }
}

void print_rule(std::string_view rule, std::string_view source, std::string_view use) {
  std::string line;
  append_json_escaped(line, rule.substr(0, 300));
  line.append(line.size() < 44 ? 44 - line.size() : 1, ' ');
  append_json_escaped(line, source);
  line.append(source.size() < 11 ? 11 - source.size() : 1, ' ').append(use);
  std::printf("%s\n", line.c_str());
}

void print_left_out(std::int64_t count) {
  if (count > 0) {
    std::printf("and %s more: --limit shows up to 2,000\n", grouped_digits(count).c_str());
  }
}

int list_from_files(const EgressOptions& options, const std::string& why) {
  std::string problems;
  const auto rules = load_rules(options.allowlist, options.data_dir, problems);
  if (!rules) return egress_failed(1, rules.error().what);
  print_notice("egress", why + ": these are the files' rules, without their use");
  const std::size_t shown = std::min(rules->rules().size(), options.limit);
  for (const Rule& rule : std::span(rules->rules()).first(shown)) {
    print_rule(rule.text, source_label(rule.source),
               rule.expires_ms <= kSystemClock.unix_ms() ? "expired" : "");
  }
  print_left_out(std::ssize(rules->rules()) - static_cast<std::int64_t>(shown));
  std::fputs(problems.c_str(), stderr);
  return problems.empty() ? 0 : 1;
}

std::string use_of(const element& rule) {
  const std::int64_t hits = rule["hits"].get_int64();
  const bool expired = rule["expired"].get_bool();
  if (hits == 0) return expired ? "unused, expired" : "unused";
  const std::string_view last = rule["last_used"].get_string();
  std::string text = std::to_string(hits) + (hits == 1 ? " hit, " : " hits, last ");
  append_json_escaped(text, last.substr(0, kIsoTimeSize));
  // A daemon of an earlier version does not count them.
  std::int64_t up = 0;
  if (!rule["bytes_up"].get(up) && up > 0) {
    const std::int64_t down = rule["bytes_down"].get_int64();
    text += ", " + std::to_string(up) + " bytes up, " + std::to_string(down) + " down";
  }
  return text + (expired ? ", expired" : "");
}

// ", 1234 bytes of upload 20M/1h": what the window of now has of the rule's budget.
std::string upload_of(const element& rule) {
  element upload;
  if (rule["upload"].get(upload) != simdjson::SUCCESS || !upload.is_object()) return {};
  std::string text = ", ";
  std::int64_t used = 0;
  if (upload["used"].get(used) == simdjson::SUCCESS) text += std::to_string(used) + " bytes of ";
  append_json_escaped(text.append("upload "), std::string_view(upload["budget"].get_string()));
  return text + (upload["spent"].get_bool() ? ", used up" : "");
}

bool says_off(std::string_view body) {
  simdjson::dom::parser parser;
  std::string_view mode;
  return !parser.parse(body.data(), body.size())["mode"].get(mode) && mode == "off";
}

Result<void> print_report(std::string_view body, std::size_t limit) {
  simdjson::dom::parser parser;
  try {
    const element report = parser.parse(body.data(), body.size());
    std::string since;
    append_json_escaped(since,
                        std::string_view(report["since"].get_string()).substr(0, kIsoTimeSize));
    std::string mode;
    append_json_escaped(mode, std::string_view(report["mode"].get_string()).substr(0, 20));
    std::printf("mode %s; hits since %s\n", mode.c_str(), since.c_str());
    std::int64_t left_out = report["rules_left_out"].get_int64();
    std::size_t shown = 0;
    for (const element rule : report["rules"].get_array()) {
      if (shown == limit) {
        ++left_out;
        continue;
      }
      ++shown;
      print_rule(rule["rule"].get_string(), rule["source"].get_string(),
                 use_of(rule) + upload_of(rule));
    }
    print_left_out(left_out);
  } catch (const simdjson::simdjson_error& error) {
    return failure(std::string("the daemon's answer is invalid: ") + error.what());
  }
  return {};
}

// Adds the budget of --upload as a word of the rule. The window of a size alone is the time of
// --for, in whole minutes.
Result<std::string> with_upload(const EgressOptions& options) {
  if (options.upload.empty()) return options.argument;
  std::string word = options.argument + " upload=" + options.upload;
  if (options.upload == "unlimited" || options.upload.find('/') != std::string::npos) return word;
  if (options.for_ms == 0) {
    return failure("--upload " + options.upload + " needs a window, such as " + options.upload +
                   "/1h, or --for");
  }
  return word + '/' + std::to_string(options.for_ms / 60'000) + 'm';
}

int allow_rule(const EgressOptions& options) {
  if (const char* reason = pattern_problem(options.argument)) return bad_pattern(options, reason);
  if (const std::string warning = width_warning(options.argument); !warning.empty()) {
    if (!options.is_confirmed) {
      return egress_failed(1, display(options.argument) + " was not added: " + warning +
                                  "; give --yes if that is meant");
    }
    print_notice("egress", "warning: " + warning);
  }
  const bool is_temporary = options.for_ms != 0;
  const std::string path =
      is_temporary ? temporary_rules_path(options.data_dir) : options.allowlist;
  auto edit = RulesEdit::open(path);
  if (!edit) return egress_failed(1, edit.error().what);
  std::string rule = options.argument;
  std::string text = edit->text();
  if (is_temporary) {
    const std::int64_t now_ms = kSystemClock.unix_ms();
    rule += " expires=" + iso_time(now_ms + options.for_ms);
    text = without_same_target(without_expired(text, now_ms), options.argument);
  } else if (const auto there = covering_rule(text, options.argument)) {
    std::printf("%s is in %s already: %s\n", rule.c_str(), path.c_str(), there->c_str());
    return 0;
  }
  if (auto done = edit->replace(with_rule(text, rule)); !done) {
    return egress_failed(1, done.error().what);
  }
  std::printf("allowed %s in %s\n", rule.c_str(), path.c_str());
  return 0;
}

}  // namespace

int egress_allow(const EgressOptions& options) {
  auto rule = with_upload(options);
  if (!rule) return egress_failed(2, rule.error().what);
  EgressOptions limited = options;
  limited.argument = *std::move(rule);
  return allow_rule(limited);
}

int egress_deny(const EgressOptions& options) {
  if (const char* reason = pattern_problem(options.argument)) return bad_pattern(options, reason);
  int removed = 0;
  for (const std::string& path : {options.allowlist, temporary_rules_path(options.data_dir)}) {
    const auto present = read_rules(path);
    if (!present) return egress_failed(1, present.error().what);
    int here = 0;
    without_rules(*present, options.argument, here);
    if (here == 0) continue;
    auto edit = RulesEdit::open(path);
    if (!edit) return egress_failed(1, edit.error().what);
    const std::string text = without_rules(edit->text(), options.argument, removed);
    if (auto done = edit->replace(text); !done) return egress_failed(1, done.error().what);
    std::printf("removed from %s\n", path.c_str());
  }
  print_still_permitted(options);
  if (removed > 0) return 0;
  return egress_failed(1, "no rule of the files is for " + display(options.argument) +
                              "; a line !HOST in the list leaves out a built-in host");
}

int egress_list(const EgressOptions& options) {
  const auto token = read_token(options.data_dir);
  if (!token) {
    return list_from_files(options,
                           "the daemon's token in " + options.data_dir + " cannot be read");
  }
  const auto reply =
      ask(options.server, {.method = "GET", .path = "/api/egress?limit=1", .token = &*token},
          std::chrono::seconds(5));
  if (!reply) return list_from_files(options, reply.error().what);
  if (reply->status != 200) {
    return list_from_files(options,
                           "the daemon answered with HTTP status " + std::to_string(reply->status));
  }
  if (says_off(reply->body)) return list_from_files(options, "the daemon's fence is off");
  if (auto done = print_report(reply->body, options.limit); !done)
    return egress_failed(1, done.error().what);
  return 0;
}

}  // namespace picortex
