#pragma once

#include <cstdint>
#include <span>

#include "netfilter/policy/judged_bytes.h"
#include "netfilter/policy/verdict.h"
#include "netfilter/wire/http_body.h"
#include "netfilter/wire/http_host.h"
#include "netfilter/wire/tcp_reassembler.h"
#include "netfilter/wire/tls_hello.h"

namespace picortex {

// A TCP connection as its client's packets name it.
struct FlowKey {
  IpAddress source;
  IpAddress destination;
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;

  bool operator==(const FlowKey&) const = default;
};

// What one client says on a connection that is undecided, read segment by segment. Owned by the
// FlowTable.
//
// A TLS connection is judged by its hello, and by a second one if the server asks for it. The name
// is judged as it arrives: its last byte, or the first one that no allowed name has there, does not
// leave. What
// follows is let through as long as it is provably no hello: until the kernel has seen the server's
// own hello, which only the judged one can have led to, and takes the connection over, the client
// has little to say. An HTTP connection is judged by every request's head and is never handed over.
//
// What was judged may have been lost on its way, and a socket can be made to send other bytes the
// second time. So a segment that repeats hellos, heads or frames must repeat their bytes.
class Flow {
 public:
  static constexpr int kRecordsSkippedMax = 4;  // between two hellos

  // Lent by the table for the time of a call.
  struct Loan {
    std::span<std::uint8_t> scratch;  // kTlsHelloSizeMax bytes
    std::size_t memory = 0;           // by how much the flow may grow
  };

  // `first_byte` is the sequence number after the SYN's. `opening` is the verdict on the SYN.
  Flow(const FlowKey& key, std::uint32_t first_byte, const Verdict& opening)
      : key_(key),
        first_byte_(first_byte),
        opening_(opening),
        agreed_(opening.host),
        stream_(first_byte),
        judged_(first_byte) {}

  // Judges one segment with data: `pass` while it decides nothing.
  Verdict read(const EgressPolicy& policy, const Packet& packet, std::int64_t now_ms, Loan loan);

  // Returns the verdict on a packet that decides nothing.
  Verdict pending() const noexcept;
  // The reason why the SYN was denied takes precedence: in learn mode the flow continues although
  // it was denied.
  Verdict denial(Reason reason) const noexcept;

  // Drops all bytes: `verdict` has ended the flow.
  void end(const Verdict& verdict);

  const FlowKey& key() const noexcept { return key_; }
  std::uint32_t first_byte() const noexcept { return first_byte_; }
  // once ended: the verdict that ended it
  const Verdict& opening() const noexcept { return opening_; }
  // The kernel takes the connection over as soon as the server answers. Data that still arrives
  // shows that it did not.
  bool is_judged() const noexcept { return has_said_hello_; }
  bool goes_on() const noexcept { return is_http_ || has_sent_data_; }
  // A name was shown, and nothing waits for more bytes.
  bool has_shown_all() const noexcept { return (is_http_ || has_said_hello_) && stream_.empty(); }
  std::size_t memory_size() const noexcept { return stream_.memory_size() + judged_.memory_size(); }

 private:
  struct Reading;  // one call of read()

  Verdict drop() const noexcept;
  Verdict judge_head(const Reading& reading, const HttpHead& head) const;
  Verdict judge_begun_host(const Reading& reading, const HttpHead& head) const;
  Verdict compare(std::uint32_t sequence, std::span<const std::uint8_t> bytes) const;
  Verdict hold(std::uint32_t sequence, std::span<const std::uint8_t> bytes, std::size_t memory);
  // The readers return how many bytes are processed; the verdict stays pending while they need
  // more.
  std::size_t read_tls(Reading& reading, std::span<const std::uint8_t> bytes);
  std::size_t read_hello(Reading& reading, std::size_t at, std::span<const std::uint8_t> bytes);
  Verdict judge_begun_hello(const Reading& reading);
  std::size_t read_http(Reading& reading, std::span<const std::uint8_t> bytes);
  std::size_t read_head(Reading& reading, std::size_t at, std::span<const std::uint8_t> bytes);
  void keep(std::size_t at, std::span<const std::uint8_t> bytes);

  FlowKey key_;
  std::uint32_t first_byte_;
  Verdict opening_;
  HostName agreed_;  // the last name that was found to lead to the address
  TcpReassembler stream_;
  JudgedBytes judged_;
  TlsHelloReader hello_;
  std::size_t name_bytes_judged_ = 0;  // of the hello that hello_ reads
  HttpHeadReader head_;
  HttpBodyReader body_;
  bool is_http_ = false;
  bool has_said_hello_ = false;  // it is TLS, and its name was allowed
  bool has_sent_data_ = false;   // after its hello
  int records_skipped_ = 0;
  std::size_t record_left_ = 0;  // bytes of the TLS record that have not arrived yet
};

}  // namespace picortex
