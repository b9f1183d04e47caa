#include "handlers/http/listener.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace picortex::http {
namespace {

constexpr int kBacklog = 4096;

std::string tcp_name(const ClientAddress& address, std::uint16_t port) {
  const bool v6 = address.family() == ClientAddress::Family::v6;
  return (v6 ? "[" + address.text() + "]" : address.text()) + ":" + std::to_string(port);
}

std::unexpected<Error> cannot_listen(const std::string& name, int error) {
  std::string why = std::strerror(error);
  if (error == EADDRINUSE) {
    why += "; end what listens there, or choose another address with --listen";
  } else if (error == EACCES) {
    why += "; ports below 1024 need CAP_NET_BIND_SERVICE, a path needs a writable folder";
  } else if (error == EADDRNOTAVAIL) {
    why += "; this host does not have that address";
  }
  return failure("cannot listen on " + name + ": " + why, error);
}

socklen_t fill(sockaddr_storage& storage, const ClientAddress& address, std::uint16_t port) {
  if (address.family() == ClientAddress::Family::v6) {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(port);
    std::memcpy(&v6.sin6_addr, address.bytes().data(), 16);
    return sizeof v6;
  }
  auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  std::memcpy(&v4.sin_addr, address.bytes().data(), 4);
  return sizeof v4;
}

// Returns the address that the socket is bound to.
sockaddr_storage bound_address(int socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  getsockname(socket, reinterpret_cast<sockaddr*>(&storage), &size);
  return storage;
}

std::uint16_t port_of(const sockaddr_storage& storage) {
  return ntohs(storage.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(storage).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(storage).sin_port);
}

Listener tcp_listener(FileDescriptor socket, const ClientAddress& address) {
  const std::uint16_t port = port_of(bound_address(socket.number()));
  return {.socket = std::move(socket),
          .name = tcp_name(address, port),
          .is_unix = false,
          .address = address,
          .port = port,
          .path = {}};
}

bool option_is(int socket, int option, int wanted) {
  int value = 0;
  socklen_t size = sizeof value;
  return getsockopt(socket, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

bool somebody_listens(const sockaddr_un& address) {
  const FileDescriptor probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  return connect(probe.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) ==
             0 ||
         errno != ECONNREFUSED;
}

}  // namespace

Result<Listener> listen_tcp(const ClientAddress& address, std::uint16_t port) {
  const std::string name = tcp_name(address, port);
  sockaddr_storage storage{};
  const socklen_t size = fill(storage, address, port);
  FileDescriptor socket(
      ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_TCP));
  if (!socket.is_open()) return cannot_listen(name, errno);
  const int on = 1;
  setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  // Accepted sockets inherit it, which saves a system call each.
  setsockopt(socket.number(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (storage.ss_family == AF_INET6) {
    setsockopt(socket.number(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  }
  if (bind(socket.number(), reinterpret_cast<const sockaddr*>(&storage), size) != 0 ||
      ::listen(socket.number(), kBacklog) != 0) {
    return cannot_listen(name, errno);
  }
  return tcp_listener(std::move(socket), address);
}

Result<Listener> listen_unix(const std::string& path) {
  const std::string name = "unix:" + path;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return cannot_listen(name, ENAMETOOLONG);
  std::ranges::copy(path, address.sun_path);
  struct stat status {};
  if (lstat(path.c_str(), &status) == 0) {
    if (!S_ISSOCK(status.st_mode)) return cannot_listen(name, EEXIST);
    if (somebody_listens(address)) return cannot_listen(name, EADDRINUSE);
    unlink(path.c_str());
  }
  FileDescriptor socket(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.is_open()) return cannot_listen(name, errno);
  if (bind(socket.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      chmod(path.c_str(), 0666) != 0 || ::listen(socket.number(), kBacklog) != 0) {
    return cannot_listen(name, errno);
  }
  return Listener{.socket = std::move(socket),
                  .name = name,
                  .is_unix = true,
                  .address = {},
                  .port = 0,
                  .path = path};
}

Result<Listener> adopt_listener(FileDescriptor socket) {
  const int number = socket.number();
  if (!option_is(number, SO_TYPE, SOCK_STREAM) || !option_is(number, SO_ACCEPTCONN, 1)) {
    return failure("descriptor " + std::to_string(number) +
                   " is not a stream socket that listens: give the .socket unit ListenStream=");
  }
  fcntl(number, F_SETFL, fcntl(number, F_GETFL) | O_NONBLOCK);
  const sockaddr_storage storage = bound_address(number);
  if (storage.ss_family == AF_UNIX) {
    const auto& local = reinterpret_cast<const sockaddr_un&>(storage);
    return Listener{.socket = std::move(socket),
                    .name = std::string("unix:") + local.sun_path,
                    .is_unix = true,
                    .address = {},
                    .port = 0,
                    .path = {}};
  }
  const auto address = ClientAddress::from_socket(storage);
  if (!address) return failure("a socket of that family cannot be served", EAFNOSUPPORT);
  const int on = 1;
  setsockopt(number, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return tcp_listener(std::move(socket), *address);
}

}  // namespace picortex::http
