#include "cli/egress/review/host_grants.h"

#include <algorithm>
#include <array>

namespace picortex {
namespace {

// The built-in hosts; kept complete by a test.
constexpr std::array<HostGrant, 5> kGrants{{
    {.host = "api.anthropic.com",
     .takes_uploads = true,
     .publishes = false,
     .serves_programs = false,
     .note = "prompts and files, with any account's key; keep the key from the agent: "
             "docs/guides/keep-the-key.md"},
    {.host = "registry.npmjs.org",
     .takes_uploads = true,
     .publishes = true,
     .serves_programs = true,
     .note = "npm publish, with any account's token; packages run scripts when they are installed"},
    {.host = "pypi.org",
     .takes_uploads = false,
     .publishes = false,
     .serves_programs = true,
     .note = "the index only: packages come from files.pythonhosted.org and are uploaded to "
             "upload.pypi.org"},
    {.host = "github.com",
     .takes_uploads = true,
     .publishes = true,
     .serves_programs = true,
     .note = "git push, issues and releases, with any account's token; the code of any public "
             "repository"},
    {.host = "raw.githubusercontent.com",
     .takes_uploads = false,
     .publishes = false,
     .serves_programs = true,
     .note = "the files of any public repository"},
}};

}  // namespace

const HostGrant* find_grant(std::string_view host) noexcept {
  const auto found = std::ranges::find(kGrants, host, &HostGrant::host);
  return found == kGrants.end() ? nullptr : &*found;
}

}  // namespace picortex
