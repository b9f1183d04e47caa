#pragma once

#include <string_view>

namespace picortex {

// What a rule for a host permits besides reading from it, as its operator documents it.
struct HostGrant {
  std::string_view host;
  bool takes_uploads = false;    // of any size, with anybody's account
  bool publishes = false;        // what was uploaded can be read by everybody
  bool serves_programs = false;  // what is fetched from it is usually executed
  std::string_view note;
};

// Returns null if nothing is known about the host.
const HostGrant* find_grant(std::string_view host) noexcept;

}  // namespace picortex
