// Each line is a rule or a problem, never both, and a rule's text read again is the same rule.
#include "base/check.h"
#include "netfilter/policy/allowlist.h"

using namespace picortex;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Allowlist list;
  const auto problems = list.add(text, RuleSource::list);
  std::uint32_t last_line = 0;
  for (const RuleProblem& problem : problems) {
    CHECK(problem.line > last_line);
    last_line = problem.line;
    for (const Rule& rule : list.rules()) CHECK(rule.line != problem.line);
  }
  for (const Rule& rule : list.rules()) {
    Allowlist again;
    CHECK(again.add(rule.text, RuleSource::list).empty());
    CHECK(again.rules().size() == 1);
    const Rule& copy = again.rules().front();
    CHECK(copy.kind == rule.kind && copy.port == rule.port && copy.name == rule.name &&
          copy.network == rule.network && copy.expires_ms == rule.expires_ms);
    if (rule.expires_ms == 0) continue;
    if (rule.kind == RuleKind::network) {
      CHECK(list.match(rule.network.address, rule.port, 0));
    } else {
      const std::string name = rule.kind == RuleKind::host ? rule.name : "a." + rule.name;
      CHECK(list.match({.name = name, .port = rule.port}, 0));
      CHECK(rule.kind == RuleKind::host || !again.match({.name = rule.name}, 0));
    }
  }
  return 0;
}
