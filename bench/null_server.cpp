// The limit of what a machine can do with io_uring and HTTP: answers every request with the bytes
// of a file. It parses nothing, but counts the empty lines that end requests, so that pipelining
// works.
//
//   null_server PORT ANSWER_FILE
//
// One thread, one system call per iteration, multishot accept and receive with provided buffers,
// like the daemon's loop.

#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "ring.h"

namespace {

constexpr std::string_view kRequestEnd = "\r\n\r\n";

struct Client {
  int socket;
  std::size_t end_seen = 0;    // the last received bytes end with this many bytes of kRequestEnd
  std::size_t owed = 0;        // answers to send after the send in flight
  std::size_t unsent = 0;      // bytes of the send in flight
  bool receive_ended = false;  // the client has gone; freed once nothing is in flight
};

// The lowest bit of a client's address distinguishes a send's completion from a receive's.
constexpr std::uintptr_t kSendBit = 1;

class NullServer {
 public:
  NullServer(std::uint16_t port, std::string answer)
      : answer_(std::move(answer)), listener_(listen_on_loopback(port)) {
    for (std::size_t i = 0; i < kAnswersAtOnceMax; ++i) answers_ += answer_;
    accept();
  }

  void run() {
    for (;;) {
      ring_.iterate([this](const io_uring_cqe& completion) { deliver(completion); });
    }
  }

 private:
  static constexpr std::size_t kAnswersAtOnceMax = 64;

  void accept() { ring_.accept(listener_); }

  void receive(Client& client) { ring_.receive(client.socket, &client); }

  void send(Client& client) {
    if (client.unsent == 0) {
      const std::size_t count = std::min(client.owed, kAnswersAtOnceMax);
      client.owed -= count;
      client.unsent = count * answer_.size();
    }
    // Every answer is the same, so the rest of a send is the end of a run of answers.
    io_uring_sqe* sqe = ring_.entry();
    io_uring_prep_send(sqe, client.socket, answers_.data() + answers_.size() - client.unsent,
                       client.unsent, MSG_NOSIGNAL);
    io_uring_sqe_set_data64(sqe, reinterpret_cast<std::uintptr_t>(&client) | kSendBit);
  }

  void deliver(const io_uring_cqe& completion) {
    const std::uintptr_t data = completion.user_data;
    if (data == 0) return on_accept(completion);
    auto& client = *reinterpret_cast<Client*>(data & ~kSendBit);
    if ((data & kSendBit) != 0) return on_sent(client, completion.res);
    on_received(client, completion);
  }

  void on_accept(const io_uring_cqe& completion) {
    if (completion.res >= 0) receive(*new Client{.socket = completion.res});
    if ((completion.flags & IORING_CQE_F_MORE) == 0) accept();
  }

  void on_received(Client& client, const io_uring_cqe& completion) {
    if ((completion.flags & IORING_CQE_F_BUFFER) != 0) {
      const unsigned buffer = Ring::buffer_of(completion);
      count_requests(client, {ring_.bytes_of(buffer), static_cast<std::size_t>(completion.res)});
      ring_.give_back(buffer);
    }
    const bool more = (completion.flags & IORING_CQE_F_MORE) != 0;
    if (completion.res <= 0 && completion.res != -ENOBUFS) client.receive_ended = true;
    if (client.owed > 0 && client.unsent == 0 && !client.receive_ended) send(client);
    if (client.receive_ended) return free_when_done(client);
    if (!more) receive(client);
  }

  static void count_requests(Client& client, std::string_view bytes) {
    // A request that arrives in one piece ends with the piece: the usual case, found at once.
    for (std::size_t at = 0; client.end_seen == 0;) {
      const std::size_t end = bytes.find(kRequestEnd, at);
      if (end == std::string_view::npos) {
        bytes.remove_prefix(std::max(at, bytes.size() - std::min<std::size_t>(bytes.size(), 3)));
        break;
      }
      ++client.owed;
      at = end + kRequestEnd.size();
      if (at == bytes.size()) return;
    }
    for (const char byte : bytes) {
      if (byte == kRequestEnd[client.end_seen]) {
        if (++client.end_seen == kRequestEnd.size()) ++client.owed, client.end_seen = 0;
      } else {
        client.end_seen = byte == '\r' ? 1 : 0;
      }
    }
  }

  void on_sent(Client& client, int result) {
    if (result <= 0) client.receive_ended = true;
    client.unsent = result <= 0 ? 0 : client.unsent - static_cast<std::size_t>(result);
    if (client.receive_ended) {
      client.unsent = 0;
      shutdown(client.socket, SHUT_RDWR);
      return free_when_done(client);
    }
    if (client.unsent > 0 || client.owed > 0) send(client);
  }

  // Clients are few and the program is short-lived: the memory of a closed one is kept.
  static void free_when_done(Client& client) {
    if (client.unsent > 0 || client.socket < 0) return;
    close(client.socket);
    client.socket = -1;
  }

  Ring ring_;
  std::string answer_;
  std::string answers_;
  int listener_;
};

}  // namespace

int main(int argc, char** argv) {
  const int port = argc == 3 ? std::atoi(argv[1]) : 0;
  std::ifstream file(argc == 3 ? argv[2] : "", std::ios::binary);
  std::string answer(std::istreambuf_iterator<char>(file), {});
  if (port <= 0 || port > 65535 || answer.empty()) {
    std::fputs("usage: null_server PORT ANSWER_FILE\n", stderr);
    return 2;
  }
  NullServer(static_cast<std::uint16_t>(port), std::move(answer)).run();
}
