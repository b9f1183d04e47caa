#pragma once

#include <cstdint>
#include <vector>

namespace picortex {

// Combines many writes to the log into one: SQLite writes each frame as a header of 24 bytes and a
// page
// (sqlite.org/walformat.html, section 2.2), in sequence. Frames of one transaction gather here
// until the one that commits it arrives, which its header shows, or until the space is used up; the
// owner then writes them, before SQLite makes them visible. What is left when the transaction ends
// was not committed, and will not be read.
//
// Takes frames only: the log's header, pages that are written again within the transaction, and
// corrected checksums overwrite existing bytes and are not taken. Before the owner does anything
// else with the log it writes what has gathered, so that the order of writes stays SQLite's.
class WalWriteCoalescer {
 public:
  // The unix VFS writes up to 128 KiB at once.
  static constexpr std::size_t kSizeMax = std::size_t{64} * 1024;

  // Call it when a transaction begins or ends.
  void reset() noexcept;

  // Returns true if the bytes were taken; false if the owner must write them, after what has
  // gathered.
  bool take(const void* bytes, std::size_t size, std::int64_t offset);

  // True if the gathered frames must be written now.
  bool is_due() const noexcept { return is_due_; }

  bool is_empty() const noexcept { return bytes_.empty(); }
  const std::vector<std::uint8_t>& bytes() const noexcept { return bytes_; }
  std::int64_t offset() const noexcept { return offset_; }
  // Call it after they were written.
  void clear() noexcept;

 private:
  bool take_header(const std::uint8_t* header, std::int64_t offset);
  bool take_page(const std::uint8_t* page, std::size_t size);
  std::int64_t end() const noexcept { return offset_ + static_cast<std::int64_t>(bytes_.size()); }

  std::vector<std::uint8_t>
      bytes_;                    // whole frames, and the header of a frame whose page is pending
  std::int64_t offset_ = 0;      // of the first of them, in the log
  std::int64_t written_to_ = 0;  // the end of the transaction's furthest write
  bool awaits_page_ = false;
  bool is_commit_ = false;  // the frame whose page is pending is the transaction's last
  bool is_due_ = false;
};

}  // namespace picortex
