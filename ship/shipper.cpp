#include "ship/shipper.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <span>
#include <utility>

#include "base/json/json_object.h"
#include "base/terminal.h"
#include "base/uuid/random_bytes.h"
#include "ship/clickhouse_schema.h"
#include "ship/durable_file.h"

namespace picortex::shipping {
namespace {

constexpr std::chrono::milliseconds kLookPause{250};
// Events gather for so long: an engine likes few large blocks better than many small ones.
constexpr std::int64_t kGatherMs = 1000;
constexpr std::chrono::milliseconds kFailurePause{2000};

std::string request_url(const ShipTarget& target) {
  if (target.kind != ShipTarget::Kind::clickhouse) return target.url();
  return target.url(clickhouse_insert_parameters(target));
}

}  // namespace

Shipper::Shipper(ShipTarget target, std::string data_dir, std::string host, std::size_t bytes_max,
                 StopSignal& stop)
    : target_(std::move(target)),
      data_dir_(std::move(data_dir)),
      stop_(stop),
      files_(data_dir_, target_.name),
      encoder_(make_encoder(target_.kind, std::move(host))),
      client_(target_, stop.flag()),
      sender_(target_, request_url(target_), *encoder_, client_, *this),
      freezer_(*encoder_, {.records_max = target_.batch_max, .bytes_max = bytes_max}) {
  status_.target = target_.shown;
  status_.pid = getpid();
}

Result<std::unique_ptr<Shipper>> Shipper::open(ShipTarget target, std::string data_dir,
                                               std::string host, std::size_t bytes_max,
                                               StopSignal& stop) {
  std::unique_ptr<Shipper> shipper(
      new Shipper(std::move(target), std::move(data_dir), std::move(host), bytes_max, stop));
  TRY(shipper->files_.make_directory());
  const std::string path = shipper->files_.lock_path();
  shipper->lock_.reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!shipper->lock_) return failure("cannot use " + path + ": " + std::strerror(errno));
  if (flock(shipper->lock_.number(), LOCK_EX | LOCK_NB) != 0) {
    return failure(errno == EWOULDBLOCK
                       ? "another process ships to " + shipper->target_.shown + " already"
                       : "cannot lock " + path + ": " + std::strerror(errno));
  }
  shipper->position_ = TRY(shipper->files_.load_position());
  if (shipper->position_.complete_ms == 0) {
    // The lag of a target that has never had anything counts from here on.
    shipper->position_.complete_ms = shipper->now_ms();
    TRY(shipper->files_.save_position(shipper->position_));
  }
  return shipper;
}

void Shipper::run() {
  note_state("shipping");
  while (!stop_.is_set()) {
    if (auto done = step(); !done) {
      note_failure(done.error().what, status_.retries + 1);
      if (!wait(kFailurePause)) break;
    }
  }
  note_state("stopped");
}

Result<void> Shipper::step() {
  auto frozen = TRY(load_batch(files_.batch_path()));
  if (frozen) return deliver(*std::move(frozen));
  if (!has_reader()) return failure(status_.error);
  auto batch = TRY(freeze_next());
  if (batch.size() == 0) {
    // Nothing to send, but perhaps deleted events to pass.
    const bool has_moved = batch.epoch != position_.epoch || batch.gone > 0;
    if (has_moved) TRY(finish(batch));
    position_.complete_ms = batch.complete_ms;
    wait_for_events();
    return {};
  }
  TRY(save_batch(files_.batch_path(), batch));
  return deliver(std::move(batch));
}

bool Shipper::has_reader() {
  if (reader_) return true;
  auto opened = EventReader::open(data_dir_);
  seen_version_ = -1;
  if (opened) {
    reader_ = *std::move(opened);
    return true;
  }
  status_.error = opened.error().what;
  return false;
}

Result<FrozenBatch> Shipper::freeze_next() {
  // Read before the rows, so that a commit in between is found by the next look.
  auto version = reader_->data_version();
  const std::int64_t started_ms = now_ms();
  auto batch = version ? freezer_.freeze(*reader_, position_, started_ms)
                       : StoreResult<FrozenBatch>(std::unexpected(version.error()));
  if (!batch) {
    if (batch.error().kind != FaultKind::busy) reader_.reset();
    return failure(batch.error().what);
  }
  frozen_ms_ = started_ms;
  seen_version_ = freezer_.is_complete() ? *version : -1;
  return *std::move(batch);
}

Result<void> Shipper::deliver(FrozenBatch batch) {
  // A process that ended between saving the position and deleting the batch left it here.
  const bool is_passed = batch.epoch == position_.epoch && batch.to <= position_.place;
  if (is_passed) return remove_file(files_.batch_path());
  if (status_.state != "retrying") note_state("shipping");
  const auto done = static_cast<std::size_t>(position_.batch_accepted);
  accepted_here_ = position_.batch_accepted;
  switch (TRY(sender_.send(batch, done))) {
    case BatchSender::Outcome::stopped:
      return {};
    case BatchSender::Outcome::all_rejected:
      // It was rejected, so it is not stored: the next one may be another, with more events.
      TRY(remove_file(files_.batch_path()));
      return failure("the target accepts none of " + std::to_string(batch.size()) +
                     " events: " + sender_.objection());
    case BatchSender::Outcome::done:
      break;
  }
  TRY(finish(batch));
  TRY(remove_file(files_.batch_path()));
  status_.error.clear();
  status_.retries = 0;
  if (!std::exchange(reported_, {}).empty())
    print_notice("ship", target_.shown + ": shipping again");
  note_state("shipping");
  // Few events at once: let some more come, unless there are more already.
  if (seen_version_ >= 0) {
    const std::int64_t rest_ms = frozen_ms_ + kGatherMs - now_ms();
    if (rest_ms > 0) wait(std::chrono::milliseconds(std::min(rest_ms, kGatherMs)));
  }
  return {};
}

Result<void> Shipper::finish(const FrozenBatch& batch) {
  ShipPosition reached = position_;
  reached.epoch = batch.epoch;
  reached.place = batch.to;
  reached.batch_accepted = 0;
  reached.shipped += static_cast<std::int64_t>(batch.size());
  reached.lapsed += batch.gone;
  reached.complete_ms = batch.complete_ms;
  TRY(files_.save_position(reached));
  position_ = reached;
  rate_.add(now_ms(), static_cast<std::int64_t>(batch.size()) - accepted_here_);
  accepted_here_ = 0;
  if (batch.gone > 0) {
    report(std::to_string(batch.gone) + " events were deleted before they could be shipped");
  }
  return {};
}

void Shipper::wait_for_events() {
  note_state("waiting");
  while (!stop_.is_set()) {
    if (auto place = reader_->check_place(); !place) {
      reader_.reset();
      return;
    }
    const auto version = reader_->data_version();
    if (!version || *version != seen_version_) return;
    position_.complete_ms = now_ms();
    if (now_ms() - status_.updated_ms > 10'000) {
      // Nothing depends on it, but who reads it sees that there is no lag.
      (void)files_.save_position(position_);
      save_status();
    }
    wait(kLookPause);
  }
}

Result<void> Shipper::note_progress(std::size_t records) {
  const auto count = static_cast<std::int64_t>(records);
  rate_.add(now_ms(), count - std::exchange(accepted_here_, count));
  ShipPosition reached = position_;
  reached.batch_accepted = count;
  TRY(files_.save_position(reached));
  position_ = reached;
  return {};
}

void Shipper::note_rejected(std::string_view record, const std::string& why) {
  ++position_.rejected;
  report("the target rejects an event: " + why);
  std::string line;
  {
    JsonObject entry(line);
    entry.time("time", now_ms()).text("reason", why);
    if (target_.kind == ShipTarget::Kind::otlp) {
      entry.number("bytes", record.size());
    } else {
      entry.text("record", record);
    }
  }
  if (auto kept = files_.keep_rejected(line); !kept) report(kept.error().what);
}

void Shipper::note_partly_rejected(std::int64_t records, const std::string& why) {
  position_.rejected += records;
  report("the target rejects " + std::to_string(records) + " events of a request: " + why);
}

void Shipper::note_failure(const std::string& why, std::int64_t failures) {
  status_.error = why;
  status_.error_ms = now_ms();
  status_.retries = failures;
  // Said once, not with each retry.
  if (reported_ != why) report(why);
  reported_ = why;
  note_state("retrying");
}

bool Shipper::wait(std::chrono::milliseconds time) { return stop_.wait_for(time); }

std::uint32_t Shipper::random() {
  std::uint32_t number = 0;
  fill_random(std::as_writable_bytes(std::span(&number, 1)));
  return number;
}

void Shipper::report(const std::string& what) { print_notice("ship", target_.shown + ": " + what); }

void Shipper::note_state(const char* state) {
  const bool is_new = status_.state != state;
  status_.state = state;
  if (is_new || now_ms() - status_.updated_ms >= 1000) save_status();
}

void Shipper::save_status() {
  status_.updated_ms = now_ms();
  status_.rate = rate_.rate(status_.updated_ms);
  files_.save_status(status_);
}

}  // namespace picortex::shipping
