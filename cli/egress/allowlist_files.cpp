#include "cli/egress/allowlist_files.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/file_descriptor.h"
#include "base/read_file.h"
#include "base/terminal.h"

namespace picortex {
namespace {

std::unexpected<Error> deny(const char* action, const std::string& path) {
  return failure(
      std::string("cannot ") + action + ' ' + display(path) + ": " + std::strerror(errno), errno);
}

bool write_whole(int file, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = write(file, text.data(), text.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
  return fsync(file) == 0;
}

// Returns the line's one rule; null if it holds none, or an invalid one.
const Rule* rule_of(std::string_view line, Allowlist& storage) {
  storage = Allowlist();
  storage.add(line, RuleSource::list);
  return storage.rules().size() == 1 ? &storage.rules().front() : nullptr;
}

// Returns the lines for which `keep(std::string_view line)` is true, each with its newline.
template <class Keep>
std::string lines_of(std::string_view text, Keep keep) {
  std::string kept;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::size_t size = std::min(line.size() + 1, text.size());
    if (keep(line)) kept.append(text.substr(0, size));
    text.remove_prefix(size);
  }
  return kept;
}

bool has_same_target(const Rule& a, const Rule& b, bool any_port) {
  return a.kind == b.kind && a.name == b.name && a.network == b.network &&
         (any_port || a.port == b.port);
}

bool names_port(std::string_view pattern) {
  const std::size_t bracket = pattern.rfind(']');
  return pattern.find(':', bracket == pattern.npos ? 0 : bracket) != pattern.npos;
}

void add_problems(std::string& out, const std::string& path,
                  const std::vector<RuleProblem>& problems) {
  for (const RuleProblem& problem : problems) {
    out += path + ':' + std::to_string(problem.line) + ": " + problem.reason + '\n';
  }
}

}  // namespace

std::string temporary_rules_path(const std::string& data_dir) {
  return data_dir + "/egress-temporary.txt";
}

Result<std::string> read_rules(const std::string& path) {
  auto text = read_small_file(path, Allowlist::kTextSizeMax);
  if (!text && text.error().code == ENOENT) return std::string();
  return text;
}

Result<Allowlist> load_rules(const std::string& allowlist, const std::string& data_dir,
                             std::string& problems) {
  Allowlist rules;
  const auto owners = TRY(read_rules(allowlist));
  const auto temporary = TRY(read_rules(temporary_rules_path(data_dir)));
  rules.add(built_in_rules_beside(owners), RuleSource::built_in);
  add_problems(problems, allowlist, rules.add(owners, RuleSource::list));
  add_problems(problems, temporary_rules_path(data_dir),
               rules.add(temporary, RuleSource::temporary));
  return rules;
}

bool limits_uploads(const std::string& allowlist, const std::string& data_dir,
                    const UploadBudget& fallback) {
  std::string problems;
  const auto rules = load_rules(allowlist, data_dir, problems);
  return fallback.is_limit() || (rules && rules->has_upload_limits());
}

Result<RulesEdit> RulesEdit::open(const std::string& path) {
  // A symbolic link stays one: the file that it points to is replaced.
  std::error_code error;
  const std::filesystem::path real = std::filesystem::weakly_canonical(path, error);
  const std::string file = error ? path : real.string();
  const std::string parent = std::filesystem::path(file).parent_path().string();
  const int directory = ::open(parent.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return deny("open the directory", parent);
  RulesEdit edit(file, directory, {});
  if (flock(directory, LOCK_EX) != 0) return deny("lock", parent);
  edit.text_ = TRY(read_rules(file));
  return edit;
}

RulesEdit::RulesEdit(RulesEdit&& other) noexcept
    : path_(std::move(other.path_)),
      directory_(std::exchange(other.directory_, -1)),
      text_(std::move(other.text_)) {}

RulesEdit::~RulesEdit() {
  if (directory_ >= 0) close(directory_);
}

Result<void> RulesEdit::replace(std::string_view text) {
  if (text.size() > Allowlist::kTextSizeMax) return failure(display(path_) + " would exceed 1 MiB");
  const std::string fresh = path_ + ".new";
  unlink(fresh.c_str());  // left by an editor that was killed: the lock is ours
  const FileDescriptor file(
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!file) return deny("make", fresh);
  struct stat old;
  const bool is_there = stat(path_.c_str(), &old) == 0;
  const bool done = (!is_there || fchown(file.number(), old.st_uid, old.st_gid) == 0) &&
                    fchmod(file.number(), is_there ? old.st_mode & 07777 : 0644) == 0 &&
                    write_whole(file.number(), text) && rename(fresh.c_str(), path_.c_str()) == 0 &&
                    fsync(directory_) == 0;
  if (done) return {};
  const auto why = deny("write", path_);
  unlink(fresh.c_str());
  return why;
}

std::string with_rule(std::string_view text, std::string_view rule) {
  std::string result(text);
  if (!result.empty() && !result.ends_with('\n')) result += '\n';
  return result.append(rule).append(1, '\n');
}

std::string without_rules(std::string_view text, std::string_view pattern, int& removed) {
  Allowlist wanted_storage;
  const Rule* wanted = rule_of(pattern, wanted_storage);
  if (wanted == nullptr) return std::string(text);
  const bool any_port = !names_port(pattern);
  Allowlist storage;
  return lines_of(text, [&](std::string_view line) {
    const Rule* rule = rule_of(line, storage);
    const bool is_wanted = rule != nullptr && has_same_target(*rule, *wanted, any_port);
    removed += is_wanted ? 1 : 0;
    return !is_wanted;
  });
}

std::string without_same_target(std::string_view text, std::string_view pattern) {
  Allowlist wanted_storage;
  const Rule* wanted = rule_of(pattern, wanted_storage);
  if (wanted == nullptr) return std::string(text);
  Allowlist storage;
  return lines_of(text, [&](std::string_view line) {
    const Rule* rule = rule_of(line, storage);
    return rule == nullptr || !has_same_target(*rule, *wanted, false);
  });
}

std::optional<std::string> covering_rule(std::string_view text, std::string_view pattern) {
  Allowlist wanted_storage;
  const Rule* wanted = rule_of(pattern, wanted_storage);
  if (wanted == nullptr) return std::nullopt;
  Allowlist present;
  present.add(text, RuleSource::list);
  for (const Rule& rule : present.rules()) {
    if (has_same_target(rule, *wanted, false) && rule.expires_ms >= wanted->expires_ms &&
        rule.permits_private >= wanted->permits_private &&
        rule.dns_suffices >= wanted->dns_suffices &&
        (!wanted->upload.is_given() || rule.upload == wanted->upload)) {
      return rule.text;
    }
  }
  return std::nullopt;
}

std::string without_expired(std::string_view text, std::int64_t now_ms) {
  Allowlist storage;
  return lines_of(text, [&](std::string_view line) {
    const Rule* rule = rule_of(line, storage);
    return rule == nullptr || now_ms < rule->expires_ms;
  });
}

const char* pattern_problem(std::string_view pattern) {
  if (pattern.find_first_of("#\n") != pattern.npos) return "one rule, without comment";
  Allowlist rules;
  const auto problems = rules.add(pattern, RuleSource::list);
  if (!problems.empty()) return problems.front().reason;
  return rules.rules().empty() ? "it is empty" : nullptr;
}

}  // namespace picortex
