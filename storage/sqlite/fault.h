#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace picortex {

// Why the store could not do what it was asked. The caller decides by the kind: `busy` passes by
// itself and the same store may be used again; after any other the store is destroyed and opened
// again later.
enum class FaultKind {
  busy,          // another connection holds the write lock
  full,          // no space left
  read_only,     // the file or its file system cannot be written
  corrupt,       // damaged, or not a picortex database
  newer_schema,  // made by a newer picortex
  moved,         // the files were deleted or replaced while in use
  io,            // the disk or the operating system failed
  open,          // the file cannot be opened or made
};

struct Fault {
  FaultKind kind;
  std::string what;  // one line for the operator: path, cause and fix
};

// Formats "<path>: <cause>; <fix>". The cause may hold anything: everything but plain text is
// escaped.
Fault make_fault(FaultKind kind, std::string_view path, std::string_view cause);

template <class T>
using StoreResult = std::expected<T, Fault>;

}  // namespace picortex
