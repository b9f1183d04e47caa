#include "cli/client/http_client.h"

#include <poll.h>

#include <cerrno>
#include <cstring>
#include <optional>

#include "base/file_descriptor.h"
#include "base/net/socket_address.h"
#include "cli/client/http_reply_parser.h"
#include "netfilter/kernel/sock_diag_query.h"

namespace picortex {
namespace {

using Clock = std::chrono::steady_clock;

std::string render(const ListenAddress& server, const HttpRequest& request) {
  std::string text(request.method);
  text.append(" ").append(request.path).append(" HTTP/1.1\r\nHost: ");
  text += server.family() == AF_UNIX ? "localhost" : server.text();
  text += "\r\nConnection: close\r\n";
  if (request.token != nullptr) {
    text.append("Authorization: Bearer ").append(request.token->text).append("\r\n");
  }
  text += request.headers;
  if (!request.content_type.empty()) {
    text.append("Content-Type: ").append(request.content_type);
    text.append("\r\nContent-Length: ").append(std::to_string(request.body.size())).append("\r\n");
  }
  return text.append("\r\n").append(request.body);
}

// One exchange. All its waits share one deadline.
class Exchange {
 public:
  Exchange(const ListenAddress& server, std::chrono::milliseconds time_limit)
      : server_(server),
        time_limit_(time_limit),
        deadline_(Clock::now() + time_limit),
        socket_(::socket(server.family(), SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {}

  Result<void> connect();
  // Checks that the server runs as root or as `owner`: while the daemon is down, any user can
  // listen on its port.
  Result<void> check_owner(uid_t owner) const;
  Result<void> send(std::string_view text);
  Result<HttpReply> receive();

 private:
  // Waits until the socket is ready for `events`, has failed, or was closed by the peer.
  Result<void> wait(short events);
  std::unexpected<Error> reject(std::string_view why, int code = 0) const {
    return failure(server_.text() + ' ' + std::string(why), code);
  }
  std::unexpected<Error> cannot_connect(int code) const;
  std::optional<uid_t> find_owner() const;

  const ListenAddress& server_;
  const std::chrono::milliseconds time_limit_;
  const Clock::time_point deadline_;
  const FileDescriptor socket_;
};

Result<void> Exchange::wait(short events) {
  pollfd polled{socket_.number(), events, 0};
  while (true) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
    const int ready = left > 0 ? poll(&polled, 1, static_cast<int>(left)) : 0;
    if (ready > 0) return {};
    if (ready == 0) {
      return reject("gave no complete answer within " + std::to_string(time_limit_.count()) + " ms",
                    ETIMEDOUT);
    }
    if (errno != EINTR) return reject(std::string("cannot be waited for: ") + std::strerror(errno));
  }
}

std::unexpected<Error> Exchange::cannot_connect(int code) const {
  if (code == ECONNREFUSED || code == ENOENT) {
    return failure("nothing listens on " + server_.text() + ": is picortex serve running?", code);
  }
  return failure("cannot connect to " + server_.text() + ": " + std::strerror(code), code);
}

Result<void> Exchange::connect() {
  if (!socket_) return cannot_connect(errno);
  if (::connect(socket_.number(), server_.socket_address(), server_.socket_address_size()) == 0) {
    return {};
  }
  if (errno != EINPROGRESS) return cannot_connect(errno);
  TRY(wait(POLLOUT));
  int code = 0;
  socklen_t size = sizeof code;
  if (getsockopt(socket_.number(), SOL_SOCKET, SO_ERROR, &code, &size) != 0) code = errno;
  if (code != 0) return cannot_connect(code);
  return {};
}

std::optional<uid_t> Exchange::find_owner() const {
  if (server_.family() == AF_UNIX) {
    ucred peer{};
    socklen_t size = sizeof peer;
    if (getsockopt(socket_.number(), SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return {};
    return peer.uid;
  }
  SocketAddress address;
  std::memcpy(&address.any, server_.socket_address(), server_.socket_address_size());
  auto sockets = SockDiagQuery::open();
  if (!sockets) return {};
  const auto found = sockets->find_listener(address.address(), server_.port());
  return found ? std::optional(uid_t{found->uid}) : std::nullopt;
}

Result<void> Exchange::check_owner(uid_t owner) const {
  const auto found = find_owner();
  if (found && (*found == 0 || *found == owner)) return {};
  return reject(
      (found ? "belongs to uid " + std::to_string(*found) : "belongs to an unknown user") +
      ", not to root or the token's owner (uid " + std::to_string(owner) +
      "), so the token was not sent; is picortex serve running?");
}

Result<void> Exchange::send(std::string_view text) {
  while (!text.empty()) {
    const ssize_t sent = ::send(socket_.number(), text.data(), text.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno == EAGAIN) {
      TRY(wait(POLLOUT));
    } else if (errno == EPIPE || errno == ECONNRESET) {
      return {};  // the server may have answered before it stopped reading
    } else if (errno != EINTR) {
      return reject(std::string("cannot be sent to: ") + std::strerror(errno), errno);
    }
  }
  return {};
}

Result<HttpReply> Exchange::receive() {
  HttpReplyParser parser;
  char buffer[16 * 1024];
  std::size_t received = 0;
  while (!parser.is_complete()) {
    const ssize_t got = recv(socket_.number(), buffer, sizeof buffer, 0);
    if (got < 0 && errno == EAGAIN) {
      TRY(wait(POLLIN));
      continue;
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return reject(std::string("broke off its answer: ") + std::strerror(errno), errno);
    received += static_cast<std::size_t>(got);
    if (received > kReplySizeMax) return reject("answered with more than 1 MiB");
    if (!parser.feed({buffer, static_cast<std::size_t>(got)})) {
      return reject(received == 0 ? "closed the connection without an answer"
                    : got == 0    ? "closed the connection before its answer was complete"
                                  : "answered with something that is not HTTP");
    }
  }
  return parser.take();
}

}  // namespace

Result<HttpReply> ask(const ListenAddress& server, const HttpRequest& request,
                      std::chrono::milliseconds time_limit) {
  Exchange exchange(server, time_limit);
  TRY(exchange.connect());
  if (request.token != nullptr) {
    TRY(exchange.check_owner(request.token->owner));
  }
  TRY(exchange.send(render(server, request)));
  return exchange.receive();
}

}  // namespace picortex
