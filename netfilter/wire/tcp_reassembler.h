#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace picortex {

// Reorders one direction of a TCP connection while it is undecided: kStreamSizeMax bytes from
// base() on, with at most kGapsMax holes. Where segments overlap their bytes must be the same: a
// server may keep either version. The bytes are contiguous in memory and stay until consumed.
class TcpReassembler {
 public:
  static constexpr std::size_t kStreamSizeMax = 65'536;
  static constexpr std::size_t kGapsMax = 64;

  enum class Added : std::uint8_t { ok, conflict, too_long, too_many_gaps };

  // `base` is the sequence number of the first byte, the SYN's plus one.
  explicit TcpReassembler(std::uint32_t base) noexcept : base_(base) {}

  // Ignores bytes before base(): they were consumed, and passed, before. After any result but ok
  // the stream must not be used any more.
  Added add(std::uint32_t sequence, std::span<const std::uint8_t> bytes);

  // Returns the bytes from base() to the first hole.
  std::span<const std::uint8_t> contiguous() const noexcept {
    return std::span(bytes_).first(contiguous_size());
  }

  // Drops the first `size` bytes of contiguous(), and moves base() after them.
  void consume(std::size_t size) noexcept;
  // Does the same for bytes that were read in a packet and never added; only while nothing is held.
  void skip(std::uint32_t size) noexcept;

  std::uint32_t base() const noexcept { return base_; }
  bool empty() const noexcept { return ranges_.empty(); }
  std::size_t memory_size() const noexcept { return bytes_.capacity(); }

 private:
  // Offsets [begin, end) from base that have arrived.
  struct Range {
    std::size_t begin;
    std::size_t end;
  };

  std::size_t contiguous_size() const noexcept {
    return ranges_.empty() || ranges_.front().begin != 0 ? 0 : ranges_.front().end;
  }

  std::uint32_t base_;
  std::vector<std::uint8_t> bytes_;
  std::vector<Range> ranges_;  // in order, with a hole between any two
};

}  // namespace picortex
