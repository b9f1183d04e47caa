#pragma once

#include <cstdint>
#include <string>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "handlers/http/middleware/client_address.h"

namespace picortex::http {

// A listening socket.
struct Listener {
  FileDescriptor socket;
  std::string name;  // "127.0.0.1:8787", "[::1]:8787" or "unix:/path", with the port as bound
  bool is_unix = false;
  ClientAddress address;  // of TCP
  std::uint16_t port = 0;
  std::string path;  // of a Unix socket, to be deleted at the end
};

// Listens on TCP. Port 0 chooses a free one. IPv6 listens on IPv6 only.
Result<Listener> listen_tcp(const ClientAddress& address, std::uint16_t port);

// Listens on a Unix socket that anyone may connect to: access is decided by the peer's user.
// Replaces a socket file on which no process listens any more.
Result<Listener> listen_unix(const std::string& path);

// Takes over a socket that already listens, TCP or Unix. Does not delete its path, which belongs to
// its creator.
Result<Listener> adopt_listener(FileDescriptor socket);

}  // namespace picortex::http
