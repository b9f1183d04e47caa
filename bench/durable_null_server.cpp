// The limit of "2xx means that it is on the disk": stores the body of every request and answers after
// an fdatasync that began later. It parses nothing but where a request ends.
//
//   durable_null_server PORT FILE append|in-place
//
// append: the file grows. in-place: the file has been written once and is overwritten from the
// beginning, so that no sync has to write metadata.
//
// Everything that arrives during a sync shares the next one. One thread, one system call per
// iteration, like the daemon's loop; the write and its sync are linked requests of the ring.

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ring.h"

namespace {

constexpr std::string_view kAnswer =
    "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 26\r\n\r\n"
    "{\"accepted\":1,\"stored\":1}\n";
constexpr std::size_t kSpace = std::size_t{64} << 20;  // of a file that is overwritten

enum class Mode : std::uint8_t { append, in_place };

struct Client {
  int socket;
  std::string received;        // of the request that is incomplete
  bool in_use = false;         // a sync or a send is owed to it
  bool receive_ended = false;  // the client has gone; freed once nothing is in flight
};

// The lowest bit of a client's address distinguishes a send's completion from a receive's. No
// address is as small as the other two.
constexpr std::uintptr_t kSendBit = 1;
constexpr std::uintptr_t kWrite = 2;
constexpr std::uintptr_t kSync = 4;

// Returns the size of the request at the beginning of `bytes`; 0 if it is incomplete.
std::size_t request_size(std::string_view bytes) {
  constexpr std::string_view kLength = "\r\nContent-Length: ";
  const std::size_t end = bytes.find("\r\n\r\n");
  if (end == std::string_view::npos) return 0;
  const std::size_t length = bytes.substr(0, end).find(kLength);
  std::size_t size = end + 4;
  if (length != std::string_view::npos) {
    size += std::strtoul(bytes.data() + length + kLength.size(), nullptr, 10);
  }
  return size <= bytes.size() ? size : 0;
}

class DurableNullServer {
 public:
  DurableNullServer(std::uint16_t port, const char* path, Mode mode)
      : mode_(mode),
        listener_(listen_on_loopback(port)),
        file_(open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) {
    if (file_ < 0) die(path);
    if (mode_ == Mode::in_place) prewrite();
    ring_.accept(listener_);
  }

  void run() {
    for (;;) {
      ring_.iterate([this](const io_uring_cqe& completion) { deliver(completion); });
      if (!writing_.empty() || gathered_.empty()) continue;
      std::swap(writing_, gathered_);
      std::swap(syncing_, waiting_);
      write();
    }
  }

 private:
  void prewrite() {
    const std::string zeros(std::size_t{1} << 20, '\0');
    for (std::size_t at = 0; at < kSpace; at += zeros.size()) {
      if (::write(file_, zeros.data(), zeros.size()) < 0) die("write");
    }
    if (fsync(file_) != 0) die("fsync");
  }

  void write() {
    if (mode_ == Mode::in_place && offset_ + writing_.size() > kSpace) offset_ = 0;
    io_uring_sqe* sqe = ring_.entry();
    io_uring_prep_write(sqe, file_, writing_.data(), static_cast<unsigned>(writing_.size()),
                        offset_);
    sqe->flags |= IOSQE_IO_LINK;
    io_uring_sqe_set_data64(sqe, kWrite);
    sqe = ring_.entry();
    io_uring_prep_fsync(sqe, file_, IORING_FSYNC_DATASYNC);
    io_uring_sqe_set_data64(sqe, kSync);
    offset_ += writing_.size();
  }

  void deliver(const io_uring_cqe& completion) {
    const std::uintptr_t data = completion.user_data;
    if (data == 0) return on_accept(completion);
    if (data == kWrite) return on_written(completion.res);
    if (data == kSync) return on_synced(completion.res);
    auto& client = *reinterpret_cast<Client*>(data & ~kSendBit);
    if ((data & kSendBit) != 0) return on_sent(client, completion.res);
    on_received(client, completion);
  }

  void on_accept(const io_uring_cqe& completion) {
    if (completion.res >= 0) {
      auto* client = new Client{.socket = completion.res, .received = {}};
      ring_.receive(client->socket, client);
    }
    if ((completion.flags & IORING_CQE_F_MORE) == 0) ring_.accept(listener_);
  }

  void on_received(Client& client, const io_uring_cqe& completion) {
    if ((completion.flags & IORING_CQE_F_BUFFER) != 0) {
      const unsigned buffer = Ring::buffer_of(completion);
      client.received.append(ring_.bytes_of(buffer), static_cast<std::size_t>(completion.res));
      ring_.give_back(buffer);
      take_request(client);
    }
    if (completion.res <= 0 && completion.res != -ENOBUFS) client.receive_ended = true;
    if (client.receive_ended) return free_when_done(client);
    if ((completion.flags & IORING_CQE_F_MORE) == 0) ring_.receive(client.socket, &client);
  }

  // A client sends its next request after the answer to the last one.
  void take_request(Client& client) {
    const std::size_t size = request_size(client.received);
    if (size == 0 || client.in_use) return;
    const std::size_t body = client.received.find("\r\n\r\n") + 4;
    gathered_.append(client.received, body, size - body).append(1, '\n');
    client.received.erase(0, size);
    client.in_use = true;
    waiting_.push_back(&client);
  }

  void on_written(int result) {
    if (result != static_cast<int>(writing_.size())) die("write");
  }

  void on_synced(int result) {
    if (result != 0) die("fdatasync");
    for (Client* client : syncing_) {
      io_uring_sqe* sqe = ring_.entry();
      io_uring_prep_send(sqe, client->socket, kAnswer.data(), kAnswer.size(), MSG_NOSIGNAL);
      io_uring_sqe_set_data64(sqe, reinterpret_cast<std::uintptr_t>(client) | kSendBit);
    }
    syncing_.clear();
    writing_.clear();
  }

  void on_sent(Client& client, int result) {
    client.in_use = false;
    if (result != static_cast<int>(kAnswer.size())) {
      client.receive_ended = true;
      shutdown(client.socket, SHUT_RDWR);
    }
    if (client.receive_ended) return free_when_done(client);
    take_request(client);
  }

  // Clients are few and the program is short-lived: the memory of a closed one is kept.
  static void free_when_done(Client& client) {
    if (client.in_use || client.socket < 0) return;
    close(client.socket);
    client.socket = -1;
  }

  Ring ring_;
  Mode mode_;
  int listener_;
  int file_;
  std::uint64_t offset_ = 0;
  std::string gathered_;  // bodies for the next write
  std::string writing_;   // what the write and the sync in flight are about
  std::vector<Client*> waiting_;
  std::vector<Client*> syncing_;
};

}  // namespace

int main(int argc, char** argv) {
  const int port = argc == 4 ? std::atoi(argv[1]) : 0;
  const std::string_view mode = argc == 4 ? argv[3] : "";
  if (port <= 0 || port > 65535 || (mode != "append" && mode != "in-place")) {
    std::fputs("usage: durable_null_server PORT FILE append|in-place\n", stderr);
    return 2;
  }
  DurableNullServer(static_cast<std::uint16_t>(port), argv[2],
                    mode == "append" ? Mode::append : Mode::in_place)
      .run();
}
