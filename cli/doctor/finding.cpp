#include "cli/doctor/finding.h"

#include <algorithm>
#include <utility>

#include "base/json/json_object.h"
#include "base/json/json_text.h"
#include "base/terminal.h"

namespace picortex {
namespace {

std::string_view colour_of(Severity severity) noexcept {
  switch (severity) {
    case Severity::ok:
      return kGreen;
    case Severity::skipped:
      return kDim;
    case Severity::warning:
      return kYellow;
    case Severity::problem:
      break;
  }
  return kRed;
}

std::string counted(std::size_t count, std::string_view one, std::string_view many) {
  return std::to_string(count) + ' ' + std::string(count == 1 ? one : many);
}

}  // namespace

std::string_view severity_label(Severity severity) noexcept {
  constexpr std::string_view kLabels[] = {"ok", "skipped", "warning", "problem"};
  return kLabels[static_cast<std::size_t>(severity)];
}

void Findings::ok(std::string_view check, std::string what) {
  all_.push_back({std::string(check), Severity::ok, std::move(what), {}});
}

void Findings::skipped(std::string_view check, std::string what) {
  all_.push_back({std::string(check), Severity::skipped, std::move(what), {}});
}

void Findings::warning(std::string_view check, std::string what, std::string fix) {
  all_.push_back({std::string(check), Severity::warning, std::move(what), std::move(fix)});
}

void Findings::problem(std::string_view check, std::string what, std::string fix) {
  all_.push_back({std::string(check), Severity::problem, std::move(what), std::move(fix)});
}

std::size_t Findings::count(Severity severity) const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count(all_, severity, [](const Finding& one) { return one.severity; }));
}

Severity Findings::worst() const noexcept {
  if (count(Severity::problem) > 0) return Severity::problem;
  return count(Severity::warning) > 0 ? Severity::warning : Severity::ok;
}

std::string render_findings(const Findings& findings, bool is_coloured) {
  constexpr std::size_t kSeverityColumn = 9;
  constexpr std::size_t kLeastCheckColumn = 18;
  std::size_t check_column = kLeastCheckColumn;
  for (const Finding& finding : findings.all()) {
    check_column = std::max(check_column, finding.check.size() + 2);
  }
  std::string out;
  for (const Finding& finding : findings.all()) {
    const std::string_view label = severity_label(finding.severity);
    if (is_coloured) out += colour_of(finding.severity);
    out += label;
    if (is_coloured) out += kPlain;
    out.append(kSeverityColumn - label.size(), ' ');
    out += finding.check;
    out.append(check_column - finding.check.size(), ' ');
    append_visible(out, finding.what);
    out += '\n';
    if (!finding.fix.empty()) {
      out.append(kSeverityColumn, ' ').append("fix: ");
      append_visible(out, finding.fix);
      out += '\n';
    }
  }
  out += counted(findings.all().size(), "check: ", "checks: ") +
         counted(findings.count(Severity::problem), "problem", "problems") + ", " +
         counted(findings.count(Severity::warning), "warning", "warnings");
  if (const std::size_t skipped = findings.count(Severity::skipped); skipped > 0) {
    out += ", " + std::to_string(skipped) + " skipped";
  }
  return out + '\n';
}

std::string findings_json(const Findings& findings) {
  std::string out;
  {
    JsonObject object(out);
    object.text("status", severity_label(findings.worst()));
    JsonArray list = object.array("findings");
    for (const Finding& finding : findings.all()) {
      list.object()
          .text("check", finding.check)
          .text("severity", severity_label(finding.severity))
          .text("what", finding.what)
          .text_or_null("fix", finding.fix);
    }
  }
  return out + '\n';
}

}  // namespace picortex
