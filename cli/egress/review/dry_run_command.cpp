// `picortex egress test --edit FILE`.
#include <algorithm>
#include <cstdio>
#include <span>

#include "base/json/json_object.h"
#include "base/read_file.h"
#include "base/time/clock.h"
#include "cli/commands/time_expression.h"
#include "cli/egress/allowlist_files.h"
#include "cli/egress/egress_command.h"
#include "cli/egress/review/dry_run.h"
#include "netfilter/policy/rule_uses.h"

namespace picortex {
namespace {

// Of each list that is printed; what is beyond is counted.
constexpr std::size_t kShownMax = 1000;

std::string name_of(const Rule& rule) {
  std::string text;
  append_visible(text, rule.text);
  text.append(" (").append(source_label(rule.source));
  return text + ", line " + std::to_string(rule.line) + ')';
}

void print_outcomes(const char* title, const std::vector<ChangedOutcome>& outcomes) {
  if (outcomes.empty()) return;
  std::printf("%s:\n", title);
  for (const ChangedOutcome& outcome :
       std::span(outcomes).first(std::min(outcomes.size(), kShownMax))) {
    std::string line = "  ";
    append_visible(line, outcome.place);
    line.append(line.size() < 46 ? 46 - line.size() : 1, ' ');
    line += std::to_string(outcome.count) + (outcome.count == 1 ? " attempt   " : " attempts  ");
    line.append(outcome.rule.empty() ? reason_label(outcome.reason) : "by ");
    append_visible(line, outcome.rule);
    std::printf("%s\n", line.c_str());
  }
  if (outcomes.size() > kShownMax) std::printf("  and %zu more\n", outcomes.size() - kShownMax);
}

void print_rules(const Allowlist& rules, const DryRun& run) {
  if (!run.unused.empty()) std::printf("no attempt needed these rules:\n");
  for (const RuleIndex index : run.unused) {
    std::printf("  %s\n", name_of(rules.rules()[index]).c_str());
  }
  if (!run.covered.empty()) std::printf("these rules change nothing:\n");
  for (const CoveredRule& covered : run.covered) {
    std::printf("  %s: covered by %s\n", name_of(rules.rules()[covered.rule]).c_str(),
                name_of(rules.rules()[covered.by]).c_str());
  }
}

void append_outcomes(JsonObject& report, std::string_view name,
                     const std::vector<ChangedOutcome>& outcomes) {
  JsonArray list = report.array(name);
  for (const ChangedOutcome& outcome : outcomes) {
    JsonObject json = list.object();
    json.text("place", outcome.place).number("attempts", outcome.count);
    json.text("reason", reason_label(outcome.reason)).text_or_null("rule", outcome.rule);
  }
}

void append_rule(JsonObject& json, const Rule& rule) {
  json.text("rule", rule.text).text("source", source_label(rule.source)).number("line", rule.line);
}

std::string json_of(const Allowlist& rules, const DryRun& run) {
  std::string text;
  {
    JsonObject report(text);
    report.number("attempts", run.attempts).number("unchanged", run.unchanged);
    append_outcomes(report, "now_allowed", run.now_allowed);
    append_outcomes(report, "now_denied", run.now_denied);
    {
      JsonArray unused = report.array("unused");
      for (const RuleIndex index : run.unused) {
        JsonObject json = unused.object();
        append_rule(json, rules.rules()[index]);
      }
    }
    JsonArray covered = report.array("covered");
    for (const CoveredRule& one : run.covered) {
      JsonObject json = covered.object();
      append_rule(json, rules.rules()[one.rule]);
      json.text("by", rules.rules()[one.by].text);
    }
  }
  return text;
}

}  // namespace

int egress_dry_run(const EgressOptions& options) {
  if (!options.argument.empty()) {
    return egress_failed(2, "--edit judges all recorded attempts: leave out the target");
  }
  // A missing list is no empty list here: it is a slip of the pen.
  const auto present = read_small_file(options.edited_list, Allowlist::kTextSizeMax);
  if (!present) return egress_failed(1, present.error().what);
  std::string problems;
  const auto rules = load_rules(options.edited_list, options.data_dir, problems);
  if (!rules) return egress_failed(1, rules.error().what);
  std::fputs(problems.c_str(), stderr);
  const auto groups = read_attempts(options.data_dir, options.since_ms);
  if (!groups) return egress_failed(1, groups.error().what);
  const DryRun run = dry_run(*rules, *groups, kSystemClock.unix_ms());
  if (options.is_json) {
    std::printf("%s\n", json_of(*rules, run).c_str());
  } else {
    std::printf("%lld attempts since %s: %lld as before\n", static_cast<long long>(run.attempts),
                local_time(options.since_ms).substr(0, 16).c_str(),
                static_cast<long long>(run.unchanged));
    print_outcomes("would be allowed", run.now_allowed);
    print_outcomes("would be denied", run.now_denied);
    print_rules(*rules, run);
  }
  return run.now_denied.empty() && problems.empty() ? 0 : 1;
}

}  // namespace picortex
