#pragma once

#include <cstdint>
#include <vector>

namespace picortex {

// Makes one write to the log of many: SQLite writes each frame as a header of 24 bytes and a page
// (sqlite.org/walformat.html, section 2.2), one behind the other. Frames of one transaction gather
// here until the one that commits it has come, which its header says, or until the room is used up;
// then the owner writes them, before SQLite tells anybody that they are there. What is left when
// the transaction ends was not committed, and nobody will read it.
//
// Only for frames: the log's header, pages that are written again within the transaction, and
// checksums that are corrected lie where something was written before, and are not taken. Whatever
// else the owner does with the log it does behind what has gathered, so that the order of writes
// stays SQLite's.
class FrameGatherer {
 public:
  // The unix VFS writes up to 128 KiB at once.
  static constexpr std::size_t kSizeMax = std::size_t{64} * 1024;

  // A transaction begins, or has ended.
  void reset() noexcept;

  // True: it was taken. False: the owner is to write it, behind what has gathered.
  bool take(const void* bytes, std::size_t size, std::int64_t offset);

  // What has gathered is to be written now.
  bool is_due() const noexcept { return is_due_; }

  bool is_empty() const noexcept { return bytes_.empty(); }
  const std::vector<std::uint8_t>& bytes() const noexcept { return bytes_; }
  std::int64_t offset() const noexcept { return offset_; }
  // They were written.
  void clear() noexcept;

 private:
  bool take_header(const std::uint8_t* header, std::int64_t offset);
  bool take_page(const std::uint8_t* page, std::size_t size);
  std::int64_t end() const noexcept { return offset_ + static_cast<std::int64_t>(bytes_.size()); }

  std::vector<std::uint8_t>
      bytes_;                // whole frames, and the header of the next while its page is awaited
  std::int64_t offset_ = 0;  // of the first of them, in the log
  std::int64_t written_to_ = 0;  // no write of the transaction went further
  bool awaits_page_ = false;
  bool is_commit_ = false;  // the frame whose page is awaited is the transaction's last
  bool is_due_ = false;
};

}  // namespace picortex
