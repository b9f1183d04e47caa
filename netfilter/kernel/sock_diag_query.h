#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/file_descriptor.h"
#include "base/net/ip_address.h"
#include "base/result.h"

namespace picortex {

// The two ends of a socket as its own packets name them.
struct SocketEnds {
  std::uint8_t protocol = 0;  // kProtocolTcp or kProtocolUdp
  IpAddress source;
  std::uint16_t source_port = 0;
  IpAddress destination;  // unspecified (all 0) if it is unknown
  std::uint16_t destination_port = 0;
};

struct SocketOwner {
  std::uint64_t inode = 0;
  std::uint32_t uid = 0;
};

// Asks the kernel for the owner of a socket (sock_diag(7)). It answers within the call, so nothing
// here blocks: some microseconds if both ends are known; if they are not, or a UDP socket is
// connected to somewhere else than its packets show, the sockets of the source port are walked,
// which costs up to a millisecond and is therefore counted: see kWalksMax.
//
// A TCP socket is found only while its connection is being made or exists: ask before the denial is
// sent.
class SockDiagQuery {
 public:
  // Walks between two calls of renew().
  static constexpr int kWalksMax = 4;

  static Result<SockDiagQuery> open();

  std::optional<SocketOwner> find(const SocketEnds& ends) noexcept;
  // Returns the owner of the TCP socket that listens there: on the address or on all.
  std::optional<SocketOwner> find_listener(const IpAddress& address, std::uint16_t port) noexcept;
  // Returns the socket that a connection opened on loopback will reach: the kernel's own choice, so
  // that it does not depend on other listeners of the port.
  std::optional<SocketOwner> find_loopback_server(const IpAddress& address,
                                                  std::uint16_t port) noexcept;
  // The socket that a datagram with these ends will reach on loopback, by the kernel's own choice.
  std::optional<SocketOwner> find_loopback_receiver(const SocketEnds& datagram) noexcept;
  // Starts a new iteration of the loop: walks are allowed again.
  void renew() noexcept { walks_ = 0; }

 private:
  explicit SockDiagQuery(FileDescriptor socket)
      : socket_(std::move(socket)), buffer_(kBufferSize) {}
  static constexpr std::size_t kBufferSize = 64 * 1024;

  enum class Search : std::uint8_t { exact, walk, listeners, loopback_server, loopback_receiver };

  std::optional<SocketOwner> search(const SocketEnds& ends, Search search) noexcept;
  std::optional<SocketOwner> ask(const SocketEnds& ends, Search search) noexcept;

  FileDescriptor socket_;
  std::vector<char> buffer_;
  std::uint32_t sequence_ = 0;
  int walks_ = 0;
};

}  // namespace picortex
