#include "cli/egress/rule_width.h"

#include <libpsl.h>

#include "netfilter/policy/allowlist.h"

namespace picortex {
namespace {

// A network wider than what a single provider usually has.
constexpr std::uint8_t kPrefixMinV4 = 16;
constexpr std::uint8_t kPrefixMinV6 = 32;

IpAddress last_of(const IpNetwork& network) noexcept {
  IpAddress last = network.address;
  const std::size_t size = last.is_v6 ? 128 : 32;
  for (std::size_t bit = network.prefix_size; bit < size; ++bit) {
    last.bytes[bit / 8] = static_cast<std::uint8_t>(last.bytes[bit / 8] | (0x80u >> (bit % 8)));
  }
  return last;
}

bool is_wide(const IpNetwork& network) noexcept {
  if (network.prefix_size >= (network.address.is_v6 ? kPrefixMinV6 : kPrefixMinV4)) return false;
  // A whole private range belongs to this site.
  const AddressClass first = address_class(network.address);
  const bool is_one_range = first != AddressClass::global && first != AddressClass::unspecified &&
                            first == address_class(last_of(network));
  return !is_one_range;
}

}  // namespace

std::string width_warning(std::string_view pattern) {
  Allowlist list;
  list.add(pattern, RuleSource::list);
  if (list.rules().size() != 1) return {};
  const Rule& rule = list.rules().front();
  switch (rule.kind) {
    case RuleKind::host:
      return {};
    case RuleKind::network:
      if (!is_wide(rule.network)) return {};
      return "it allows every server in " + to_string(rule.network.address) + '/' +
             std::to_string(rule.network.prefix_size) + ", whatever its name";
    case RuleKind::subdomains:
      break;
  }
  // The library's built-in list needs no file; it treats a name of one label as a suffix too.
  const psl_ctx_t* suffixes = psl_builtin();
  const bool is_suffix = suffixes != nullptr
                             ? psl_is_public_suffix(suffixes, rule.name.c_str()) != 0
                             : rule.name.find('.') == rule.name.npos;
  if (!is_suffix) return {};
  return rule.name + " is a public suffix: anybody may register a name below it";
}

}  // namespace picortex
