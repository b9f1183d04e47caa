#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "netfilter/attribution/process.h"
#include "netfilter/wire/host_name.h"

namespace picortex {

// Which names each process asked DNS for, the latest kEntriesMax in all. Several names may lead to
// one address; a process that connects to it most likely means the one that it asked for.
class AskedNames {
 public:
  static constexpr std::size_t kEntriesMax = 512;

  void note(const ProcessKey& process, const HostName& name);

  // The one name that the process asked for of those in `candidates`, which join_names() made.
  // Empty if it asked for none of them, or for several.
  std::string_view find_only(const ProcessKey& process, std::string_view candidates) const;

 private:
  struct Entry {
    ProcessKey process;
    HostName name;
  };

  std::vector<Entry> entries_;  // a ring once it is full
  std::size_t oldest_ = 0;
};

}  // namespace picortex
