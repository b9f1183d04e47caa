#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "netfilter/policy/allowlist.h"

namespace picortex {

// The files of egress rules (their grammar is in netfilter/policy/allowlist.h): the owner's list,
// and the temporary rules that `egress allow --for` keeps next to the database.
std::string temporary_rules_path(const std::string& data_dir);

// Returns the file's text; empty if there is no such file.
Result<std::string> read_rules(const std::string& path);

// Returns the built-in rules and those of both files. Appends a line of text to `problems` for each
// invalid rule.
Result<Allowlist> load_rules(const std::string& allowlist, const std::string& data_dir,
                             std::string& problems);

// Whether the daemon limits uploads by these files and the default: it then needs more rules of the
// firewall. A file that cannot be read has no rules.
bool limits_uploads(const std::string& allowlist, const std::string& data_dir,
                    const UploadBudget& fallback);

// Edits such a file: the new text replaces the old one atomically (rename(2)) and durably, with the
// mode and owner of the old file, or mode 0644. Two editors wait for each other.
class RulesEdit {
 public:
  // Opens and locks the file; the text is empty if there is no such file yet.
  static Result<RulesEdit> open(const std::string& path);
  RulesEdit(RulesEdit&& other) noexcept;
  RulesEdit& operator=(RulesEdit&&) = delete;
  ~RulesEdit();

  const std::string& text() const noexcept { return text_; }
  Result<void> replace(std::string_view text);

 private:
  RulesEdit(std::string path, int directory, std::string text)
      : path_(std::move(path)), directory_(directory), text_(std::move(text)) {}

  std::string path_;
  int directory_;  // holds the lock
  std::string text_;
};

// Returns `text` with the rule appended as a line of its own.
std::string with_rule(std::string_view text, std::string_view rule);

// Returns `text` without the lines whose rule is for the pattern's host or network (and port, if
// `pattern` names one). Everything else is unchanged. `removed` counts these lines.
std::string without_rules(std::string_view text, std::string_view pattern, int& removed);

// Returns `text` without the lines whose rule is for the pattern's host or network and exactly its
// port.
std::string without_same_target(std::string_view text, std::string_view pattern);

// Returns the first permanent rule of `text` that allows everything that `pattern` does: the same
// host or network and port, with at least its words. Returns nothing if the pattern is not
// redundant.
std::optional<std::string> covering_rule(std::string_view text, std::string_view pattern);

// Returns `text` without the lines whose rule has expired.
std::string without_expired(std::string_view text, std::int64_t now_ms);

// Returns why the pattern is invalid; null if it is one valid pattern and nothing else.
const char* pattern_problem(std::string_view pattern);

}  // namespace picortex
