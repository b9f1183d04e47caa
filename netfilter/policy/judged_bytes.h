#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace picortex {

// The bytes by which a connection's client was judged, and their sequence numbers: hellos, heads,
// and the frames around data, not the data itself. A segment that repeats such a range must repeat
// its bytes, since the first copy may never have reached the server. Keeps the newest kKeptSize
// bytes and the whole piece in which they begin; earlier bytes are unknown.
class JudgedBytes {
 public:
  static constexpr std::size_t kKeptSize = 8'192;

  enum class Match : std::uint8_t { same, differs, unknown };

  // `first` is the sequence number of the connection's first byte.
  explicit JudgedBytes(std::uint32_t first) noexcept : known_from_(first) {}

  // Keeps a piece that follows all pieces before it.
  void keep(std::uint32_t sequence, std::span<const std::uint8_t> bytes);

  // Compares the part of the range that pieces cover; the rest of it is data, and matches anything.
  Match compare(std::uint32_t sequence, std::span<const std::uint8_t> bytes) const noexcept;

  // Reports the connection's position, at least once in 1 GiB: sequence numbers wrap, so ranges far
  // before it become unknown.
  void advance_to(std::uint32_t sequence) noexcept;

  std::size_t memory_size() const noexcept {
    return bytes_.capacity() + pieces_.capacity() * sizeof(Piece);
  }

 private:
  struct Piece {
    std::uint32_t sequence;
    std::uint32_t size;
  };

  std::uint32_t known_from_;
  std::vector<Piece> pieces_;
  std::vector<std::uint8_t> bytes_;  // of all pieces, one after the other
};

}  // namespace picortex
