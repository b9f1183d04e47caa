#include "netfilter/rule_uses.h"

#include <unordered_map>
#include <utility>

namespace picortex {
namespace {

std::string name_of(const Rule& rule) {
  return std::string(source_label(rule.source)) + ' ' + rule.text;
}

}  // namespace

std::string_view source_label(RuleSource source) noexcept {
  switch (source) {
    case RuleSource::built_in:
      return "built-in";
    case RuleSource::list:
      return "list";
    case RuleSource::temporary:
      break;
  }
  return "temporary";
}

void RuleUses::adopt(const Allowlist& allowlist) {
  std::unordered_map<std::string, Use> known;
  for (std::size_t i = 0; i < names_.size(); ++i) {
    if (uses_[i].hits > 0) known.emplace(std::move(names_[i]), uses_[i]);
  }
  allowlist_ = &allowlist;
  names_.clear();
  uses_.clear();
  for (const Rule& rule : allowlist.rules()) {
    names_.push_back(name_of(rule));
    const auto old = known.find(names_.back());
    uses_.push_back(old != known.end() ? old->second : Use{});
  }
}

void RuleUses::note(RuleIndex rule, std::int64_t now_ms) noexcept {
  if (rule >= uses_.size()) return;
  ++uses_[rule].hits;
  uses_[rule].last_ms = now_ms;
}

std::string_view RuleUses::text(RuleIndex rule) const noexcept {
  if (allowlist_ == nullptr || rule >= allowlist_->rules().size()) return {};
  return allowlist_->rules()[rule].text;
}

}  // namespace picortex
