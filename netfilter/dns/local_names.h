#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "reactor/deadline_list.h"

namespace picortex {

// Names that a resolver library makes up or that mean this machine, so that asking for them is no
// attempt at a host: allowed names followed by a search domain (resolv.conf(5)), and the host's own
// name.
class LocalNames {
 public:
  static constexpr std::size_t kSearchMax = 32;

  LocalNames() = default;
  LocalNames(std::string host, std::vector<std::string> search);

  // Reads resolv.conf and the host's name, at most once in five seconds.
  void refresh(Instant now);

  // True for the host's name, with or without its domain or a search domain, and for localhost and
  // names below it.
  bool is_this_machine(std::string_view name) const;

  // Calls `visit(std::string_view)` with the part before each search domain in which `name` ends,
  // until it returns true. Returns whether it did.
  template <class Visit>
  bool find_without_search_domain(std::string_view name, Visit visit) const {
    for (const std::string& domain : search_) {
      if (name.size() <= domain.size() + 1 || !name.ends_with(domain)) continue;
      const std::string_view rest = name.substr(0, name.size() - domain.size());
      if (rest.back() == '.' && visit(rest.substr(0, rest.size() - 1))) return true;
    }
    return false;
  }

  // Returns the domains of the last `search` or `domain` line, normalized.
  static std::vector<std::string> parse_search(std::string_view resolv_conf);

 private:
  std::string host_;
  std::vector<std::string> search_;
  Instant next_look_{};
};

// "_http._tcp.example.com" → "example.com": the host after a service's labels (RFC 2782); empty if
// the name has none.
std::string_view host_of_service(std::string_view name) noexcept;

}  // namespace picortex
