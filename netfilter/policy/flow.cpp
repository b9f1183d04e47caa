#include "netfilter/policy/flow.h"

#include <algorithm>
#include <utility>

namespace picortex {

struct Flow::Reading {
  const EgressPolicy& policy;
  std::int64_t now_ms;
  Loan loan;
  Verdict verdict;
};

Verdict Flow::read(const EgressPolicy& policy, const Packet& packet, std::int64_t now_ms,
                   Loan loan) {
  std::uint32_t sequence = packet.tcp_sequence + ((packet.tcp_flags & kTcpSyn) != 0 ? 1 : 0);
  std::span<const std::uint8_t> bytes = packet.payload;
  // RFC 9293, section 3.4: sequence numbers compare by their difference modulo 2^32.
  const auto ahead = static_cast<std::int32_t>(stream_.base() - sequence);
  // Bytes before the base have been judged. A retransmission of them must be the same, or the
  // server could see other bytes than those that were judged.
  if (ahead > 0) {
    const auto repeated = bytes.first(std::min(bytes.size(), static_cast<std::size_t>(ahead)));
    if (const Verdict compared = compare(sequence, repeated); compared.denied) return compared;
    bytes = bytes.subspan(repeated.size());
    sequence = stream_.base();
  }
  // Data that arrives in order and complete, as nearly all does, is read in the packet and never
  // copied.
  const bool in_place = stream_.empty() && sequence == stream_.base();
  if (!in_place) {
    const std::uint32_t next =
        stream_.base() + static_cast<std::uint32_t>(stream_.contiguous().size());
    const bool leaves_gap = static_cast<std::int32_t>(sequence - next) > 0;
    // TCP retransmits what is missing, and this segment after it. Learn mode delays nothing.
    if (leaves_gap && policy.mode == EgressMode::enforce) return drop();
    const Verdict held = hold(sequence, bytes, loan.memory);
    if (held.denied) return held;
    bytes = stream_.contiguous();
  }
  if (bytes.empty()) return pending();

  Reading reading{policy, now_ms, loan, pending()};
  std::size_t used = 0;
  // The first bytes decide: everything that is not a TLS record is tried as HTTP.
  if (!is_http_) used = read_tls(reading, bytes);
  if (is_http_) used = read_http(reading, bytes);
  const Verdict& verdict = reading.verdict;
  if (verdict.denied) return verdict;
  if (!in_place) {
    stream_.consume(used);
  } else {
    stream_.skip(static_cast<std::uint32_t>(used));
    if (used < bytes.size()) {
      const Verdict held = hold(stream_.base(), bytes.subspan(used), loan.memory);
      if (held.denied) return held;
    }
  }
  judged_.advance_to(stream_.base());
  return verdict;
}

// Judges a segment that repeats what was judged.
Verdict Flow::compare(std::uint32_t sequence, std::span<const std::uint8_t> bytes) const {
  switch (judged_.compare(sequence, bytes)) {
    case JudgedBytes::Match::same:
      return pending();
    case JudgedBytes::Match::differs:
      return denial(Reason::overlapping_segments_differ);
    case JudgedBytes::Match::unknown:
      break;
  }
  return denial(Reason::too_long);
}

// Keeps bytes for later. Returns a denial if they do not fit, else pending.
Verdict Flow::hold(std::uint32_t sequence, std::span<const std::uint8_t> bytes,
                   std::size_t memory) {
  if (bytes.size() > memory) return denial(Reason::flow_table_full);
  switch (stream_.add(sequence, bytes)) {
    case TcpReassembler::Added::ok:
      return pending();
    case TcpReassembler::Added::conflict:
      return denial(Reason::overlapping_segments_differ);
    case TcpReassembler::Added::too_long:
    case TcpReassembler::Added::too_many_gaps:
      break;
  }
  return denial(Reason::too_long);
}

void Flow::keep(std::size_t at, std::span<const std::uint8_t> bytes) {
  judged_.keep(stream_.base() + static_cast<std::uint32_t>(at), bytes);
}

// Reads record by record, from the first hello on.
std::size_t Flow::read_tls(Reading& reading, std::span<const std::uint8_t> bytes) {
  std::size_t used = 0;
  while (used < bytes.size()) {
    const auto rest = bytes.subspan(used);
    if (record_left_ > 0) {
      const std::size_t skipped = std::min(record_left_, rest.size());
      record_left_ -= skipped;
      used += skipped;
      continue;
    }
    TlsRecordHead record{.kind = TlsRecord::hello};
    // Before the first hello everything is read as one, which also finds out whether this is TLS.
    if (has_said_hello_) record = judge_tls_record(rest);
    switch (record.kind) {
      case TlsRecord::need_more:
        return used;
      case TlsRecord::hello: {
        const std::size_t size = read_hello(reading, used, rest);
        if (size == 0) return used;
        used += size;
        continue;
      }
      case TlsRecord::filler:
        if (++records_skipped_ <= kRecordsSkippedMax) break;
        [[fallthrough]];
      case TlsRecord::malformed:
        reading.verdict = denial(Reason::unrecognized_protocol);
        return used;
      case TlsRecord::data:
        has_sent_data_ = true;
        break;
    }
    keep(used, rest.first(record.judged_size));
    used += record.judged_size;
    record_left_ = record.size - record.judged_size;
  }
  return used;
}

// A hello whose end has not arrived: the rest of it cannot make a name good that is not. Learn mode
// waits for the whole name, to report it.
Verdict Flow::judge_begun_hello(const Reading& reading) {
  const TlsNameScanner& scanner = hello_.begun_name();
  if (scanner.is_malformed()) return denial(Reason::unrecognized_protocol);
  const std::string_view begun = scanner.begun();
  if (begun.size() == name_bytes_judged_) return pending();
  name_bytes_judged_ = begun.size();
  if (begun.size() < scanner.name_size()) {
    const bool may_be_allowed =
        reading.policy.mode == EgressMode::learn ||
        may_become_allowed(reading.policy, {.begun = begun, .size = scanner.name_size()}, agreed_,
                           key_.destination, key_.destination_port, reading.now_ms);
    // Not the host of the SYN's verdict, which is one that is allowed.
    if (!may_be_allowed) return {.evidence = Evidence::sni, .reason = Reason::name_not_allowed};
    return pending();
  }
  const auto name = HostName::parse(begun);
  if (!name) return denial(Reason::unrecognized_protocol);
  return judge_name(reading.policy, {.evidence = Evidence::sni, .host = *name, .agreed = agreed_},
                    key_.destination, key_.destination_port, reading.now_ms);
}

// Returns the hello's size once it is complete and allowed, else 0.
std::size_t Flow::read_hello(Reading& reading, std::size_t at,
                             std::span<const std::uint8_t> bytes) {
  TlsHello hello;
  Verdict& verdict = reading.verdict;
  switch (hello_.read(bytes, reading.loan.scratch, hello)) {
    case TlsHelloStatus::need_more:
      if (const Verdict begun = judge_begun_hello(reading); begun.denied) verdict = begun;
      return 0;
    case TlsHelloStatus::not_tls:
      if (has_said_hello_) {
        verdict = denial(Reason::unrecognized_protocol);
      } else {
        is_http_ = true;
      }
      return 0;
    case TlsHelloStatus::server_name:
      verdict = judge_name(
          reading.policy, {.evidence = Evidence::sni, .host = hello.server_name, .agreed = agreed_},
          key_.destination, key_.destination_port, reading.now_ms);
      break;
    case TlsHelloStatus::no_name:
      verdict = denial(Reason::no_name);
      break;
    case TlsHelloStatus::malformed:
      verdict = denial(Reason::unrecognized_protocol);
      break;
    case TlsHelloStatus::too_long:
      verdict = denial(Reason::too_long);
      break;
  }
  if (!verdict.denied && (hello.has_encrypted_hello || hello.has_early_data)) {
    verdict = denial(hello.has_encrypted_hello ? Reason::encrypted_hello : Reason::early_data);
    if (!opening_.denied) {
      verdict.evidence = Evidence::sni;
      verdict.host = hello.server_name;
    }
  }
  const std::size_t size = std::exchange(hello_, {}).size();
  name_bytes_judged_ = 0;
  // The hello's bytes must be kept, to compare retransmissions with them.
  if (!verdict.denied && size > reading.loan.memory) verdict = denial(Reason::flow_table_full);
  if (verdict.denied) return 0;
  // Not `allow`: the connection's data stays visible until the server has answered this hello.
  verdict.action = Action::judge;
  // A second hello with the same name is no second connection.
  verdict.is_final = !has_said_hello_ || !(agreed_ == hello.server_name);
  has_said_hello_ = true;
  agreed_ = hello.server_name;
  keep(at, bytes.first(size));
  return size;
}

// Reads heads and skips bodies until one is incomplete. An allowed request leaves the connection
// undecided, since the next may be for another host.
std::size_t Flow::read_http(Reading& reading, std::span<const std::uint8_t> bytes) {
  std::size_t used = 0;
  while (used < bytes.size()) {
    const auto rest = bytes.subspan(used);
    if (body_.at_end()) {
      const std::size_t size = read_head(reading, used, rest);
      if (size == 0) return used;
      used += size;
      continue;
    }
    const HttpBodyReader::Run run = body_.read(rest);
    if (body_.is_malformed()) {
      reading.verdict = denial(Reason::unrecognized_protocol);
      return used;
    }
    if (!run.is_data) keep(used, rest.first(run.size));
    used += run.size;
  }
  return used;
}

Verdict Flow::judge_head(const Reading& reading, const HttpHead& head) const {
  const std::uint16_t port = key_.destination_port;
  // A Host with another port contradicts the connection.
  if (head.port != 0 && head.port != port) return denial(Reason::unrecognized_protocol);
  if (head.head_size > reading.loan.memory) return denial(Reason::flow_table_full);
  return judge_name(reading.policy,
                    {.evidence = Evidence::http_host,
                     .host = head.host,
                     .agreed = agreed_,
                     .upgrades = head.upgrades},
                    key_.destination, port, reading.now_ms);
}

// A host whose line has not ended. A name with a wrong beginning has no good end.
Verdict Flow::judge_begun_host(const Reading& reading, const HttpHead& head) const {
  const std::string_view begun = head.begun_host;
  if (begun.empty() || reading.policy.mode == EgressMode::learn) return pending();
  const bool may_be_allowed = may_become_allowed(
      reading.policy, {.begun = begun, .size = head.is_begun_host_whole ? begun.size() : 0},
      agreed_, key_.destination, key_.destination_port, reading.now_ms);
  if (may_be_allowed) return pending();
  return {.evidence = Evidence::http_host, .reason = Reason::name_not_allowed};
}

// Returns the head's size once it is complete and allowed, else 0.
std::size_t Flow::read_head(Reading& reading, std::size_t at, std::span<const std::uint8_t> bytes) {
  HttpHead head;
  Verdict& verdict = reading.verdict;
  switch (head_.read(bytes, head)) {
    case HttpHeadStatus::need_more:
      if (head.host.empty()) {
        if (const Verdict begun = judge_begun_host(reading, head); begun.denied) verdict = begun;
        return 0;
      }
      // The rest of the head cannot make an invalid host valid.
      if (const Verdict named = judge_head(reading, head); named.denied) verdict = named;
      return 0;
    case HttpHeadStatus::none:
    case HttpHeadStatus::address:
      verdict = denial(Reason::no_name);
      return 0;
    case HttpHeadStatus::malformed:
      verdict = denial(Reason::unrecognized_protocol);
      return 0;
    case HttpHeadStatus::host:
      break;
  }
  verdict = judge_head(reading, head);
  if (verdict.denied) return 0;
  verdict.action = Action::pass;
  agreed_ = head.host;
  keep(at, bytes.first(head.head_size));
  head_ = {};
  using Form = HttpBodyReader::Form;
  body_ = HttpBodyReader(head.upgrades     ? Form::endless
                         : head.is_chunked ? Form::chunked
                                           : Form::sized,
                         head.content_size);
  return head.head_size;
}

void Flow::end(const Verdict& verdict) {
  stream_ = TcpReassembler(first_byte_);
  judged_ = JudgedBytes(first_byte_);
  opening_ = verdict;
}

Verdict Flow::pending() const noexcept {
  return {.action = Action::pass,
          .denied = false,
          .is_final = false,
          .evidence = opening_.evidence,
          .reason = Reason::undecided,
          .host = opening_.host,
          .rule = opening_.rule};
}

// Data before the segment was lost on its way through the queue, so the segment cannot be judged.
Verdict Flow::drop() const noexcept {
  Verdict verdict = pending();
  verdict.action = Action::drop;
  return verdict;
}

Verdict Flow::denial(Reason reason) const noexcept {
  if (opening_.denied) return opening_;
  return {.evidence = opening_.evidence, .reason = reason, .host = opening_.host};
}

}  // namespace picortex
