#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>

#include "base/callback.h"
#include "base/file_descriptor.h"
#include "base/result.h"
#include "netfilter/kernel/packet_queue.h"

namespace picortex {

// Copies of the SYNs that the firewall's rules have passed on without a verdict, from the kernel's
// NFLOG (nfnetlink_log). The kernel puts a copy into the socket before the SYN leaves, so it is
// there before anything else of its connection can get into the packet queue. The owner must drain
// this ahead of the queue's packets, and then knows every connection's SYN first.
//
// Nothing waits for a copy, so none wakes the loop: they stay in the socket until the queue has
// packets, or a second has passed. The rules let through a bounded number a second, of which the
// socket holds several seconds' worth. A copy that finds it full is lost and counted; its
// connection is then denied as one whose beginning was not seen.
class OpeningLog {
 public:
  using CopyCallback = Callback<const QueuedPacket&>;

  // Binds kOpeningGroup in the network namespace of the caller. The callback's owner must outlive
  // this object.
  static Result<std::unique_ptr<OpeningLog>> open(CopyCallback on_copy);

  // Calls back for each copy, until there is none left.
  void drain() noexcept;

  std::uint64_t copies() const noexcept { return copies_; }
  // Copies that found the socket full, since it was opened.
  std::uint64_t lost() const noexcept;

 private:
  // A SYN has at most 100 bytes of headers; its attributes are about as much.
  static constexpr std::size_t kMessageSizeMax = 1024;
  static constexpr std::size_t kBatch = 16;
  struct alignas(8) Buffer {
    std::array<char, kMessageSizeMax> bytes;
  };

  OpeningLog(FileDescriptor socket, CopyCallback on_copy)
      : socket_(std::move(socket)), on_copy_(on_copy) {}

  void take(std::span<const char> message) noexcept;

  FileDescriptor socket_;
  CopyCallback on_copy_;
  std::array<Buffer, kBatch> buffers_;
  std::uint64_t copies_ = 0;
};

}  // namespace picortex
