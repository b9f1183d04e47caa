#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cstdlib>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/file_descriptor.h"
#include "daemon/config/listen_address.h"

namespace picortex {

// A server on loopback for one test: takes `connections` connections one after the other, reads a
// request whole, and lets `answer` do with the connection what it likes.
class ReplyServer {
 public:
  using AnswerConnection = std::function<void(int connection, const std::string& request)>;

  explicit ReplyServer(AnswerConnection answer, int connections = 1)
      : listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto any = ListenAddress::parse("127.0.0.1:0").value();
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    if (bind(listener_.number(), any.socket_address(), any.socket_address_size()) != 0 ||
        listen(listener_.number(), 8) != 0 ||
        getsockname(listener_.number(), reinterpret_cast<sockaddr*>(&bound), &size) != 0) {
      std::abort();
    }
    port_ = ntohs(bound.sin_port);
    thread_ = std::jthread([this, connections, answer = std::move(answer)] {
      for (int i = 0; i < connections; ++i) serve_one(answer);
    });
  }

  ListenAddress address() const {
    return ListenAddress::parse("127.0.0.1:" + std::to_string(port_)).value();
  }

  // The requests that came, once the server has taken its last connection.
  const std::vector<std::string>& requests() {
    if (thread_.joinable()) thread_.join();
    return requests_;
  }

  static void send_text(int connection, std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = send(connection, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  static std::string reply(int status, std::string_view body) {
    return "HTTP/1.1 " + std::to_string(status) +
           " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
  }

 private:
  void serve_one(const AnswerConnection& answer) {
    pollfd polled{listener_.number(), POLLIN, 0};
    if (poll(&polled, 1, 5000) != 1) return;
    const FileDescriptor connection(accept4(listener_.number(), nullptr, nullptr, SOCK_CLOEXEC));
    const timeval limit{5, 0};
    setsockopt(connection.number(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    requests_.push_back(read_request(connection.number()));
    answer(connection.number(), requests_.back());
  }

  static std::string read_request(int connection) {
    std::string request;
    char buffer[4096];
    while (true) {
      const std::size_t head = request.find("\r\n\r\n");
      const std::size_t length = request.find("Content-Length: ");
      const std::size_t body =
          length < head ? std::strtoul(request.c_str() + length + 16, nullptr, 10) : 0;
      if (head != std::string::npos && request.size() >= head + 4 + body) return request;
      const ssize_t got = recv(connection, buffer, sizeof buffer, 0);
      if (got <= 0) return request;
      request.append(buffer, static_cast<std::size_t>(got));
    }
  }

  const FileDescriptor listener_;
  std::uint16_t port_ = 0;
  std::vector<std::string> requests_;
  std::jthread thread_;
};

}  // namespace picortex
