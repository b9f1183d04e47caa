#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "netfilter/allowlist.h"

namespace picortex {

// The files of egress rules (their grammar is in netfilter/allowlist.h): the owner's list, and the
// temporary rules that `egress allow --for` keeps beside the database.
std::string temporary_rules_path(const std::string& data_dir);

// The file's text; empty when there is no such file.
Result<std::string> read_rules(const std::string& path);

// The built-in rules and those of both files; `problems` gets a line of text for each bad line.
Result<Allowlist> load_rules(const std::string& allowlist, const std::string& data_dir,
                             std::string& problems);

// An edit of such a file: the new text takes the old one's place at once (rename(2)),
// durable, with the mode and owner of the old one, or mode 0644. Two editors wait for each other.
class RulesEdit {
 public:
  // Opens and locks; the text is empty when there is no such file yet.
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

// `text` with the rule appended as a line of its own.
std::string with_rule(std::string_view text, std::string_view rule);

// `text` without the lines whose rule is for the pattern's host or network (and port, when
// `pattern` names one); everything else stays as it is. `removed` counts them.
std::string without_rules(std::string_view text, std::string_view pattern, int& removed);

// `text` without the lines whose rule has expired.
std::string without_expired(std::string_view text, std::int64_t now_ms);

// Why the pattern is none; null when it is one and nothing else.
const char* pattern_problem(std::string_view pattern);

}  // namespace picortex
