#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace picortex {

// How serious a finding is. `skipped` means that this user or this host does not show what the
// check needs: it says so, and does not count.
enum class Severity : std::uint8_t { ok, skipped, warning, problem };

std::string_view severity_label(Severity severity) noexcept;

// The outcome of one check. Neither text can inject terminal escape sequences: texts from outside
// have been through display() or shell_word().
struct Finding {
  std::string check;  // such as "token.mode": GROUP.NAME, which programs may rely on
  Severity severity = Severity::ok;
  std::string what;  // what is wrong, with the value
  std::string fix;   // a command for a shell; empty when there is nothing to fix
};

// What the checks have found, in their order.
class Findings {
 public:
  void ok(std::string_view check, std::string what);
  void skipped(std::string_view check, std::string what);
  void warning(std::string_view check, std::string what, std::string fix);
  void problem(std::string_view check, std::string what, std::string fix);

  const std::vector<Finding>& all() const noexcept { return all_; }
  std::size_t count(Severity severity) const noexcept;
  // The greatest of them; skipped ones do not count.
  Severity worst() const noexcept;

 private:
  std::vector<Finding> all_;
};

// One line for each finding, and a line with its fix; a line with the sums at the end.
std::string render_findings(const Findings& findings, bool is_coloured);

// One JSON object on a line: "status" (ok, warning or problem) and "findings".
std::string findings_json(const Findings& findings);

}  // namespace picortex
