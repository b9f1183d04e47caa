#include "storage/sqlite/fault.h"

#include "base/json/json_text.h"

namespace picortex {
namespace {

const char* remedy_of(FaultKind kind) noexcept {
  switch (kind) {
    case FaultKind::busy:
      return "another process is writing to it: tried again by itself";
    case FaultKind::full:
      return "disk full: free some space";
    case FaultKind::read_only:
      return "read-only: make the file and its file system writable";
    case FaultKind::corrupt:
      return "damaged or not picortex's: move it away, or repair it with sqlite3's .recover";
    case FaultKind::newer_schema:
      return "install the newer picortex, or move the file away";
    case FaultKind::moved:
      return "put it back, or let picortex start a new one";
    case FaultKind::io:
      return "see dmesg for the disk";
    case FaultKind::open:
      return "see that the path exists and that picortex's user may write there";
  }
  return "";
}

}  // namespace

Fault make_fault(FaultKind kind, std::string_view path, std::string_view cause) {
  std::string what;
  append_json_escaped(what, path);
  what += ": ";
  append_json_escaped(what, cause);
  what += "; ";
  what += remedy_of(kind);
  return {kind, std::move(what)};
}

}  // namespace picortex
