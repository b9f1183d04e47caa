#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace picortex {

// Why the store could not do what it was asked. The caller decides by the kind: `busy` passes by
// itself and the same store may be asked again; after any other the store is destroyed, and opened
// again later.
enum class FaultKind {
  busy,          // another connection holds the write lock
  full,          // no space left
  read_only,     // the file or its file system cannot be written
  corrupt,       // damaged, or not a picortex database at all
  newer_schema,  // made by a newer picortex
  moved,         // the files were deleted or replaced while in use
  io,            // the disk or the operating system failed
  open,          // the file cannot be opened or made
};

struct Fault {
  FaultKind kind;
  std::string what;  // one line for the owner: path, cause and mend
};

// "<path>: <cause>; <mend>". The cause may hold anything: what is not plain text is escaped.
Fault make_fault(FaultKind kind, std::string_view path, std::string_view cause);

template <class T>
using StoreResult = std::expected<T, Fault>;

}  // namespace picortex
