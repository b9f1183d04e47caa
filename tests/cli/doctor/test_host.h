#pragma once

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cli/doctor/checks.h"
#include "tests/cli/temporary_directory.h"

namespace picortex {

// A host whose files are those that a test writes, on which every user may do everything, and no
// program runs.
class TestHost {
 public:
  TestHost() : host_(root_.path()) {
    host_.run = [](std::span<const std::string>) -> Result<ProgramResult> {
      return failure("there are no programs", ENOENT);
    };
    host_.may = [](const HostUser&, const std::string&, int) { return std::optional(true); };
    host_.clock_is_synchronised = [] { return std::optional(true); };
    host_.unix_ms = [] { return std::int64_t{1'800'000'000'000}; };
    host_.find_user = [](std::string_view name) {
      return std::optional(HostUser{1000, 1000, std::string(name)});
    };
    host_.group_ids_of = [](const HostUser&) { return std::vector<gid_t>(); };
  }

  Host& host() { return host_; }

  void write(const std::string& path, const std::string& text) {
    const std::filesystem::path file(root_.path() + path);
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  std::string at(const std::string& path) const { return root_.path() + path; }

  // Reads the options of such a config file, and of an environment.
  CheckedConfig configure(const std::string& text, const Environment& environment = {}) {
    write("/etc/picortex/picortex.conf", text);
    Findings findings;
    return check_config({}, environment, host_, findings);
  }

 private:
  TemporaryDirectory root_;
  Host host_;
};

// The findings of one check that are warnings or problems.
inline std::vector<Finding> wrong(const Findings& findings, std::string_view check) {
  std::vector<Finding> found;
  for (const Finding& finding : findings.all()) {
    if (finding.check == check && finding.severity >= Severity::warning) found.push_back(finding);
  }
  return found;
}

inline bool has(const Finding& finding, std::string_view words) {
  return finding.what.find(words) != std::string::npos;
}

}  // namespace picortex
