#pragma once

#include <string>

#include "base/result.h"
#include "daemon/config/settings.h"

namespace picortex {

// What `picortex doctor` and `picortex serve --check` look at.
enum class DoctorScope {
  host,    // everything
  config,  // whether serve can start with these options
};

// The settings are not read yet: wrong ones are findings.
struct DoctorOptions {
  FlagValues flags;
  Environment environment;
  DoctorScope scope = DoctorScope::host;
  bool json = false;
  std::string client_user;  // whose access to the token is checked; empty: this user's
};

// Does not read the config file: what is wrong in it is a finding.
Result<DoctorOptions> read_doctor_options(const FlagValues& flags, const Environment& environment,
                                          DoctorScope scope);

// Prints what the checks find. Returns 0 if all is well, 1 if there is a warning or a problem, 2 if
// an option on the command line is wrong.
int doctor(const DoctorOptions& options);

}  // namespace picortex
