// A client that costs the machine as little as possible, so that the server is the limit:
// keep-alive
// connections, one request at a time on each, the same bytes every time.
//
//   http_load PORT PATH CONNECTIONS SECONDS
//
// Prints {"requests":N,"us":N,"rejected":N}: answers, how long it took, and how many of them were
// not 2xx. One thread, one system call per iteration.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <charconv>
#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "ring.h"

namespace {

using Clock = std::chrono::steady_clock;

struct Connection {
  int socket = -1;
  std::string partial;  // the beginning of an answer that arrived in pieces
};

// Returns the size of the answer at the beginning of `bytes`; 0 if it is incomplete.
std::size_t answer_size(std::string_view bytes) {
  constexpr std::string_view kName = "ontent-Length: ", kLowerName = "ontent-length: ";
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  const std::string_view head = bytes.substr(0, end);
  std::size_t at = head.find(kName);
  if (at == std::string_view::npos) at = head.find(kLowerName);
  std::size_t size = 0;
  if (at != std::string_view::npos) {
    const char* digits = head.data() + at + kName.size();
    std::from_chars(digits, head.data() + head.size(), size);
  }
  size += end + 4;
  return size <= bytes.size() ? size : 0;
}

class Load {
 public:
  Load(std::uint16_t port, const std::string& path, std::size_t connections)
      : request_("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port) +
                 "\r\n\r\n"),
        connections_(connections) {
    for (Connection& connection : connections_) open(connection, port);
  }

  void run(std::chrono::seconds length) {
    const auto began = Clock::now();
    while (Clock::now() - began < length) {
      ring_.iterate([this](const io_uring_cqe& completion) { deliver(completion); });
    }
    const auto took =
        std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - began).count();
    std::printf("{\"requests\":%llu,\"us\":%lld,\"rejected\":%llu}\n",
                static_cast<unsigned long long>(answers_), static_cast<long long>(took),
                static_cast<unsigned long long>(rejected_));
  }

 private:
  void open(Connection& connection, std::uint16_t port) {
    connection.socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(connection.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    sockaddr_in address{.sin_family = AF_INET,
                        .sin_port = htons(port),
                        .sin_addr = {htonl(INADDR_LOOPBACK)},
                        .sin_zero = {}};
    if (connect(connection.socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      die("connect");
    }
    ring_.receive(connection.socket, &connection);
    ask(connection);
  }

  // The send completes silently: only the answer is awaited.
  void ask(Connection& connection) {
    io_uring_sqe* sqe = ring_.entry();
    io_uring_prep_send(sqe, connection.socket, request_.data(), request_.size(), MSG_NOSIGNAL);
    sqe->flags |= IOSQE_CQE_SKIP_SUCCESS;
    io_uring_sqe_set_data(sqe, nullptr);
  }

  void deliver(const io_uring_cqe& completion) {
    auto* connection = static_cast<Connection*>(io_uring_cqe_get_data(&completion));
    if (connection == nullptr || (completion.res <= 0 && completion.res != -ENOBUFS)) {
      std::fprintf(stderr, "http_load: the server closed a connection (%d)\n", completion.res);
      std::exit(1);
    }
    if (completion.res > 0) {
      const unsigned buffer = Ring::buffer_of(completion);
      take(*connection, {ring_.bytes_of(buffer), static_cast<std::size_t>(completion.res)});
      ring_.give_back(buffer);
    }
    if ((completion.flags & IORING_CQE_F_MORE) == 0) ring_.receive(connection->socket, connection);
  }

  void take(Connection& connection, std::string_view bytes) {
    if (!connection.partial.empty()) bytes = connection.partial.append(bytes);
    const std::size_t size = answer_size(bytes);
    if (size == 0) {
      if (connection.partial.empty()) connection.partial = bytes;
      return;
    }
    ++answers_;
    if (!bytes.starts_with("HTTP/1.1 2") || size != bytes.size()) ++rejected_;
    connection.partial.clear();
    ask(connection);
  }

  std::string request_;
  std::vector<Connection> connections_;
  Ring ring_;
  std::uint64_t answers_ = 0;
  std::uint64_t rejected_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const int port = argc == 5 ? std::atoi(argv[1]) : 0;
  const int connections = argc == 5 ? std::atoi(argv[3]) : 0;
  const int seconds = argc == 5 ? std::atoi(argv[4]) : 0;
  if (port <= 0 || port > 65535 || connections <= 0 || connections > 512 || seconds <= 0) {
    std::fputs("usage: http_load PORT PATH CONNECTIONS SECONDS\n", stderr);
    return 2;
  }
  Load(static_cast<std::uint16_t>(port), argv[2], static_cast<std::size_t>(connections))
      .run(std::chrono::seconds(seconds));
}
