#include "cli/foundation.h"

#include <fcntl.h>
#include <sys/file.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string>
#include <utility>

#include "base/check.h"

namespace picortex {
namespace {

Result<void> make_data_dir(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (!error && std::filesystem::is_directory(path, error)) return {};
  return failure("cannot make the data directory " + path + ": " +
                     (error ? error.message() : "something else has that name") +
                     "; choose another with --data-dir",
                 error.value());
}

// Two daemons on one database would each count half of what happens.
Result<FileDescriptor> lock_data_dir(const std::string& path) {
  const std::string file = path + "/lock";
  FileDescriptor lock(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  // A read-only disk: the database says more about it, and mends itself.
  if (!lock.is_open() && errno == EROFS) return lock;
  if (!lock.is_open()) {
    return failure("cannot make " + file + ": " + std::strerror(errno) +
                       "; the directory must be the daemon's own",
                   errno);
  }
  if (flock(lock.number(), LOCK_EX | LOCK_NB) != 0) {
    return failure("another picortex serve uses the data directory " + path +
                       "; end it, or choose another with --data-dir",
                   errno);
  }
  return lock;
}

Result<http::Listener> listen_on(const ListenAddress& address) {
  if (address.family() == AF_UNIX) return http::listen_unix(std::string(address.path()));
  sockaddr_storage storage{};
  std::memcpy(&storage, address.socket_address(), address.socket_address_size());
  const auto host = ClientAddress::from_socket(storage);
  CHECK(host.has_value());
  return http::listen_tcp(*host, address.port());
}

// The sockets that the service manager handed over, else those that the options name.
Result<std::vector<http::Listener>> open_listeners(const ServeOptions& options,
                                                   ServiceEnvironment& service) {
  std::vector<http::Listener> listeners;
  for (FileDescriptor& socket : service.sockets) {
    auto listener = http::adopt_listener(std::move(socket));
    if (!listener) return std::unexpected(listener.error());
    listeners.push_back(std::move(*listener));
  }
  if (!listeners.empty()) return listeners;
  for (const ListenAddress& address : options.listen) {
    auto listener = listen_on(address);
    if (!listener) return std::unexpected(listener.error());
    listeners.push_back(std::move(*listener));
  }
  return listeners;
}

}  // namespace

Result<Foundation> lay_foundation(const ServeOptions& options) {
  auto service = take_service_environment();
  if (!service) return std::unexpected(service.error());
  auto reactor = Reactor::open();
  if (!reactor) return std::unexpected(reactor.error());
  if (auto made = make_data_dir(options.data_dir); !made) return std::unexpected(made.error());
  auto lock = lock_data_dir(options.data_dir);
  if (!lock) return std::unexpected(lock.error());
  auto token = Token::load_or_create(options.data_dir);
  if (!token) return std::unexpected(token.error());
  auto listeners = open_listeners(options, *service);
  if (!listeners) return std::unexpected(listeners.error());
  return Foundation{.service = std::move(*service),
                    .lock = std::move(*lock),
                    .token = std::move(*token),
                    .listeners = std::move(*listeners),
                    .reactor = std::move(*reactor)};
}

}  // namespace picortex
