#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/callback.h"
#include "base/file_descriptor.h"
#include "base/keyed_hash.h"
#include "base/result.h"

namespace picortex {

// What one slot of a rule's window has counted.
struct UploadRecord {
  std::string_view key;  // names the rule's target; without blanks
  std::int64_t end_ms = 0;
  std::int64_t bytes = 0;
};

// Keeps the sums of upload budgets over a restart, in one file that only the daemon's user can read:
//
//   file   = "picortex-uploads 1" *( LF record )
//   record = end SP bytes SP key SP check
//   check  = 16 hex digits: a hash of what precedes it on the line
//
// The last record of a slot counts. Records are appended with one write(2) each, before the packet
// that they count leaves: the kernel's page cache survives the end of this process, by SIGKILL too,
// but not a crash of the host. Nothing is synced, so a write waits for the disk only where its file
// system is frozen; then the loop waits with it. A line that is torn or damaged is skipped.
class UploadLog {
 public:
  static constexpr std::size_t kFileSizeMax = 64 << 20;
  static constexpr std::size_t kRewriteMin = 256 << 10;

  using Restore = Callback<const UploadRecord&>;

  // Passes what the file holds to `restore`; the views are valid during the call only. Fails where
  // the file cannot be opened, or is not the daemon's own.
  static Result<std::unique_ptr<UploadLog>> open(const std::string& path, Restore restore);

  void add(const UploadRecord& record) noexcept;
  // Replaces the file's content by these records.
  void rewrite(std::span<const UploadRecord> records) noexcept;
  // The file has grown to a multiple of what it last began with.
  bool wants_rewrite() const noexcept { return size_ >= rewrite_size_; }

  // Records that could not be written.
  std::uint64_t failures() const noexcept { return failures_; }
  // Lines of the file that were no records.
  std::size_t damaged() const noexcept { return damaged_; }

 private:
  UploadLog(std::string path, FileDescriptor file)
      : path_(std::move(path)), file_(std::move(file)) {}

  void load(std::string_view text, Restore restore);
  bool parse(std::string_view line, UploadRecord& record) const;
  std::string line_of(const UploadRecord& record) const;

  std::string path_;
  FileDescriptor file_;
  // protects against damage, not against forgery
  KeyedHash check_{0x7069636f72746578, 0x75706c6f61647331};
  std::size_t size_ = 0;
  std::size_t rewrite_size_ = kRewriteMin;
  std::uint64_t failures_ = 0;
  std::size_t damaged_ = 0;
};

}  // namespace picortex
