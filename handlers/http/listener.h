#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "handlers/client_address.h"
#include "reactor/file_descriptor.h"

namespace picortex::http {

// A socket that listens.
struct Listener {
  FileDescriptor socket;
  std::string name;  // "127.0.0.1:8787", "[::1]:8787" or "unix:/path", with the port as bound
  bool is_unix = false;
  ClientAddress address;  // of TCP
  std::uint16_t port = 0;
  std::string path;  // of a Unix socket, to be removed at the end
};

// Listens on TCP. Port 0 takes a free one. IPv6 listens on IPv6 alone.
Result<Listener> listen_tcp(const ClientAddress& address, std::uint16_t port);

// Listens on a Unix socket that anyone may connect to: who may do what is decided by the peer's
// user. A socket file that nobody listens on any more is replaced.
Result<Listener> listen_unix(const std::string& path);

// Takes over a socket that listens already, TCP or Unix. Its path stays its maker's.
Result<Listener> adopt_listener(FileDescriptor socket);

}  // namespace picortex::http
