#pragma once

#include <chrono>
#include <memory>
#include <string_view>
#include <vector>

#include "base/file_descriptor.h"
#include "base/net/ip_address.h"
#include "base/result.h"

namespace picortex {

// Captures packets, so that an attempt is judged by what happened to its bytes rather than by an
// answer. Needs CAP_NET_RAW. Packets stay in its sockets until they are read or forget() is called.
class PacketWitness {
 public:
  // Captures packets that leave by any network device except loopback, after all rules of the
  // filter.
  static Result<PacketWitness> on_the_way_out();
  // Captures packets that arrive at an address of this machine, even if no socket listens there.
  static Result<PacketWitness> at(const IpAddress& address);

  void expire() noexcept;
  // Returns whether a packet with these bytes arrives within `patience`.
  bool sees(std::string_view bytes, std::chrono::milliseconds patience);
  // Returns whether packets were lost since forget(), so that the absence of one proves nothing.
  bool lost_packets() noexcept;

 private:
  explicit PacketWitness(bool outgoing) : outgoing_(outgoing) {}

  bool read_until(std::string_view bytes);

  bool outgoing_;
  std::vector<std::unique_ptr<FileDescriptor>> sockets_;
};

}  // namespace picortex
