// The fence's allowlist: reading it, and ending connections that it does not allow any more.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <set>
#include <utility>

#include "netfilter/fence.h"

namespace picortex {
namespace {

// Returns the file's text; empty if there is no such file.
Result<std::string> read_list(const std::string& path) {
  if (path.empty()) return std::string();
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!file.is_open() && (errno == ENOENT || errno == ENOTDIR)) return std::string();
  struct stat status {};
  if (!file.is_open() || fstat(file.number(), &status) != 0) {
    return errno_failure("cannot read " + path);
  }
  if (!S_ISREG(status.st_mode)) return failure(path + " is not a regular file", EINVAL);
  std::string text(Allowlist::kTextSizeMax + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(file.number(), text.data() + size, text.size() - size);
    if (got < 0) return errno_failure("cannot read " + path);
    if (got == 0) break;
    size += static_cast<std::size_t>(got);
  }
  if (size > Allowlist::kTextSizeMax) return failure(path + " is larger than 1 MiB", EFBIG);
  text.resize(size);
  return text;
}

std::int64_t first_expiry(const Allowlist& allowlist, std::int64_t now_ms) {
  std::int64_t first = std::numeric_limits<std::int64_t>::max();
  for (const Rule& rule : allowlist.rules()) {
    if (rule.expires_ms > now_ms) first = std::min(first, rule.expires_ms);
  }
  return first;
}

}  // namespace

Result<std::unique_ptr<Allowlist>> Fence::load() {
  auto owners = TRY(read_list(settings_.allowlist_path));
  auto temporary = TRY(read_list(settings_.temporary_path));
  auto fresh = std::make_unique<Allowlist>();
  fresh->add(built_in_rules_beside(owners), RuleSource::built_in);
  const auto problems = fresh->add(owners, RuleSource::list);
  const auto temporary_problems = fresh->add(temporary, RuleSource::temporary);
  log_problems(problems, settings_.allowlist_path);
  log_problems(temporary_problems, settings_.temporary_path);
  rule_problems_ = problems.size() + temporary_problems.size();
  std::swap(allowlist_, fresh);
  next_expiry_ms_ = first_expiry(*allowlist_, reactor_.unix_ms());
  adopt_budgets();
  observer_.on_rules(*allowlist_);
  return fresh;
}

void Fence::log_problems(const std::vector<RuleProblem>& problems, const std::string& path) {
  for (const RuleProblem& problem : problems) {
    log_.line(Level::warn, "egress.bad_rule")
        .text("file", path)
        .number("line", static_cast<std::int64_t>(problem.line))
        .text("reason", problem.reason)
        .message(fmt::format("{}:{}: {}; the line is skipped", path, problem.line, problem.reason));
  }
}

Result<void> Fence::reload() {
  const bool has_expired = reactor_.unix_ms() >= next_expiry_ms_;
  auto before = TRY(load());
  ++reloads_;
  if (meter_.is_active() != settings_.plan.meters) install_metering();
  renew_openings();
  log_.line(Level::info, "egress.reloaded")
      .number("rules", static_cast<std::int64_t>(allowlist_->rules().size()))
      .number("bad_lines", static_cast<std::int64_t>(rule_problems_))
      .message("the allowlist has been read");
  if (has_expired || lost_a_rule(*before, *allowlist_)) {
    cut_unpermitted(*before);
  } else {
    rules_checked_ms_ = reactor_.unix_ms();
  }
  return {};
}

bool Fence::lost_a_rule(const Allowlist& before, const Allowlist& now) const {
  std::set<std::string_view> texts;
  for (const Rule& rule : now.rules()) texts.insert(rule.text);
  return std::ranges::any_of(before.rules(),
                             [&texts](const Rule& rule) { return !texts.contains(rule.text); });
}

// `before` has the rules until now, as they were at the last check.
void Fence::cut_unpermitted(const Allowlist& before) noexcept {
  const std::int64_t now_ms = reactor_.unix_ms();
  const RulesAt then{before, std::exchange(rules_checked_ms_, now_ms)};
  if (settings_.mode != EgressMode::enforce) return;
  const auto outcome = cutter_.cut(settings_.plan.user, then, {*allowlist_, now_ms});
  if (!outcome) {
    log_.line(Level::error, "egress.cut_failed").message(outcome.error().what);
    return;
  }
  connections_cut_ += outcome->cut;
  if (outcome->cut > 0) {
    log_.line(Level::info, "egress.cut")
        .number("connections", static_cast<std::int64_t>(outcome->cut))
        .message("connections that no rule permits any more were cut");
  }
  if (outcome->unknown > 0) {
    log_.line(Level::warn, "egress.not_cut")
        .number("connections", static_cast<std::int64_t>(outcome->unknown))
        .message("connections from before the start whose rule is unknown were left alone");
  }
}

// Removes rules that have expired.
void Fence::expire_rules(std::int64_t now_ms) noexcept {
  if (now_ms < next_expiry_ms_) return;
  next_expiry_ms_ = first_expiry(*allowlist_, now_ms);
  cut_unpermitted(*allowlist_);
}

}  // namespace picortex
