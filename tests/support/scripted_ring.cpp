#include "tests/support/scripted_ring.h"

#include <linux/io_uring.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>

#include "base/check.h"
#include "reactor/buffer_pool.h"

// What liburing's name stands for here: the Ring's only member.
struct io_uring {
  picortex::test::ScriptedRing script;
};

namespace picortex::test {
namespace {

ScriptedRing* last_opened = nullptr;

}  // namespace

ScriptedRing& ScriptedRing::current() {
  CHECK(last_opened != nullptr);
  return *last_opened;
}

bool ScriptedRing::is_asked(Request::Kind kind, int file) {
  return std::ranges::any_of(requests_, [&](const Request& request) {
    return request.kind == kind && (file < 0 || request.file == file);
  });
}

Request& ScriptedRing::request(Request::Kind kind, int file) {
  const auto found = std::ranges::find_if(requests_, [&](const Request& request) {
    return request.kind == kind && (file < 0 || request.file == file);
  });
  CHECK(found != requests_.end());
  return *found;
}

std::size_t ScriptedRing::count(Request::Kind kind) const {
  return static_cast<std::size_t>(std::ranges::count(requests_, kind, &Request::kind));
}

bool ScriptedRing::is_closed(int file) const {
  return std::ranges::find(closed_, file) != closed_.end();
}

void ScriptedRing::complete(Request::Kind kind, int file, std::int32_t result, bool more) {
  queued_.push_back({request(kind, file).operation,
                     {.result = result, .more = more, .buffer = Completion::kNoBuffer}});
}

bool ScriptedRing::receive(int file, std::string_view bytes) {
  const Request& asked = request(Request::Kind::receive, file);
  Buffers& buffers = buffers_.at(asked.group);
  while (!bytes.empty()) {
    const auto tail = std::atomic_ref(buffers.entries->tail).load(std::memory_order_acquire);
    if (buffers.head == tail) {
      complete(Request::Kind::receive, file, -ENOBUFS);
      return false;
    }
    const auto& entry = reinterpret_cast<const io_uring_buf*>(
        buffers.entries)[buffers.head++ & (buffers.count - 1)];
    const std::size_t size = std::min<std::size_t>(bytes.size(), entry.len);
    std::memcpy(reinterpret_cast<char*>(entry.addr), bytes.data(), size);
    bytes.remove_prefix(size);
    queued_.push_back(
        {asked.operation,
         {.result = static_cast<std::int32_t>(size), .more = true, .buffer = entry.bid}});
  }
  return true;
}

void ScriptedRing::ask(Request::Kind kind, Operation& operation, int file, std::string_view bytes,
                       std::uint16_t group) {
  operation.begin();
  requests_.push_back({kind, &operation, file, std::string(bytes), group});
}

void ScriptedRing::cancel(Operation& operation) {
  const auto asked = std::ranges::find(requests_, &operation, &Request::operation);
  if (asked == requests_.end()) return;
  asked->cancel_asked_for = true;
  // What is queued for it already may be its end.
  for (const Queued& queued : queued_) {
    if (queued.operation == &operation && !queued.completion.more) return;
  }
  queued_.push_back({&operation, {-ECANCELED, false, Completion::kNoBuffer}});
}

void ScriptedRing::wait(std::chrono::nanoseconds timeout) {
  if (queued_.empty() && clock_ != nullptr) clock_->advance(timeout);
}

unsigned ScriptedRing::deliver() {
  unsigned count = 0;
  for (std::size_t left = queued_.size(); left > 0; --left) {
    const Queued next = queued_.front();
    queued_.pop_front();
    if (!next.completion.more) {
      requests_.erase(std::ranges::find(requests_, next.operation, &Request::operation));
    }
    next.operation->deliver(next.completion);
    ++count;
  }
  return count;
}

}  // namespace picortex::test

namespace picortex {

using Kind = test::Request::Kind;

Result<std::unique_ptr<Ring>> Ring::open(unsigned) {
  auto ring = std::make_unique<io_uring>();
  test::last_opened = &ring->script;
  return std::unique_ptr<Ring>(new Ring(std::move(ring)));
}

Ring::Ring(std::unique_ptr<io_uring> ring) noexcept : ring_(std::move(ring)) {}

Ring::~Ring() {
  if (test::last_opened == &ring_->script) test::last_opened = nullptr;
}

void Ring::accept(Operation& operation, int listener) {
  ring_->script.ask(Kind::accept, operation, listener);
}

void Ring::receive_multishot(Operation& operation, int socket, const BufferPool& pool) {
  ring_->script.ask(Kind::receive, operation, socket, {}, pool.group());
}

void Ring::send(Operation& operation, int socket, std::span<const char> bytes) {
  ring_->script.ask(Kind::send, operation, socket, {bytes.data(), bytes.size()});
}

void Ring::read(Operation& operation, int file, std::span<char>) {
  ring_->script.ask(Kind::read, operation, file);
}

void Ring::write(Operation& operation, int file, std::span<const char> bytes) {
  ring_->script.ask(Kind::write, operation, file, {bytes.data(), bytes.size()});
}

void Ring::poll(Operation& operation, int file, short) {
  ring_->script.ask(Kind::poll, operation, file);
}

void Ring::cancel(Operation& operation) { ring_->script.cancel(operation); }

void Ring::close(int file) { ring_->script.closed_.push_back(file); }

void Ring::submit() {}

void Ring::submit_and_wait(std::chrono::nanoseconds timeout) { ring_->script.wait(timeout); }

unsigned Ring::deliver() { return ring_->script.deliver(); }

bool Ring::has_completions() const noexcept { return ring_->script.has_completions(); }

Result<std::uint16_t> Ring::register_buffers(io_uring_buf_ring* entries, std::uint32_t count) {
  const std::uint16_t group = groups_.take();
  ring_->script.buffers_.insert_or_assign(group, test::ScriptedRing::Buffers{entries, count});
  return group;
}

void Ring::unregister_buffers(std::uint16_t group) noexcept {
  ring_->script.buffers_.erase(group);
  groups_.give_back(group);
}

}  // namespace picortex
