#include "netfilter/policy/rule_uses.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

namespace picortex {
namespace {

std::string key_of(RuleSource source, std::string_view text) {
  return std::string(1, static_cast<char>(source)).append(text);
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
  std::unordered_map<std::string, Use> used;
  for (Use& use : uses_) {
    if (use.hits > 0 || use.bytes_up > 0)
      used.emplace(key_of(use.source, use.text), std::move(use));
  }
  uses_.clear();
  for (const Rule& rule : allowlist.rules()) {
    const auto old = used.find(key_of(rule.source, rule.text));
    const bool is_known = old != used.end();
    uses_.push_back({.source = rule.source,
                     .line = rule.line,
                     .expires_ms = rule.expires_ms,
                     .text = rule.text,
                     .hits = is_known ? old->second.hits : 0,
                     .last_ms = is_known ? old->second.last_ms : 0,
                     .bytes_up = is_known ? old->second.bytes_up : 0,
                     .bytes_down = is_known ? old->second.bytes_down : 0});
  }
}

void RuleUses::note(RuleIndex rule, std::int64_t now_ms) noexcept {
  if (rule >= uses_.size()) return;
  ++uses_[rule].hits;
  uses_[rule].last_ms = now_ms;
}

void RuleUses::add_bytes(std::string_view rule, std::int64_t bytes_up,
                         std::int64_t bytes_down) noexcept {
  const auto use = std::ranges::find(uses_, rule, &Use::text);
  if (use == uses_.end()) return;
  use->bytes_up += bytes_up;
  use->bytes_down += bytes_down;
}

std::string_view RuleUses::text(RuleIndex rule) const noexcept {
  if (rule >= uses_.size()) return {};
  return uses_[rule].text;
}

}  // namespace picortex
