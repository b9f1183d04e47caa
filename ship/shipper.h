#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/file_descriptor.h"
#include "base/time/clock.h"
#include "ship/batch_freezer.h"
#include "ship/batch_sender.h"
#include "ship/encode/event_encoder.h"
#include "ship/http/http_client.h"
#include "ship/rate_meter.h"
#include "ship/ship_state.h"
#include "ship/ship_target.h"
#include "ship/stop_signal.h"
#include "storage/query/event_reader.h"

namespace picortex::shipping {

// Ships a data directory's events to one target, for ever:
//
//   a batch is on the disk → send it; once it is accepted, save the position, delete the batch
//   no batch               → freeze the next events; without any, wait
//
// One request is in flight at a time. Only the position says what is shipped: a batch that it has
// passed is deleted unsent. Not thread-safe; each target has a thread.
class Shipper final : public SenderHost {
 public:
  // Makes the target's directory and takes its lock: only one process ships to a target.
  // `bytes_max`: of a batch, about. `stop` must outlive this object.
  static Result<std::unique_ptr<Shipper>> open(ShipTarget target, std::string data_dir,
                                               std::string host, std::size_t bytes_max,
                                               StopSignal& stop);

  // Blocks until `stop` is set.
  void run();

  // SenderHost
  Result<void> note_progress(std::size_t records) override;
  void note_rejected(std::string_view record, const std::string& why) override;
  void note_partly_rejected(std::int64_t records, const std::string& why) override;
  void note_failure(const std::string& why, std::int64_t failures) override;
  bool wait(std::chrono::milliseconds time) override;
  std::int64_t now_s() const override { return now_ms() / 1000; }
  std::uint32_t random() override;

 private:
  Shipper(ShipTarget target, std::string data_dir, std::string host, std::size_t bytes_max,
          StopSignal& stop);

  std::int64_t now_ms() const noexcept { return kSystemClock.unix_ms(); }
  bool has_reader();
  Result<void> step();
  Result<void> deliver(FrozenBatch batch);
  Result<void> finish(const FrozenBatch& batch);
  Result<FrozenBatch> freeze_next();
  void wait_for_events();
  void report(const std::string& what);
  void note_state(const char* state);
  void save_status();

  const ShipTarget target_;
  const std::string data_dir_;
  StopSignal& stop_;
  ShipFiles files_;
  FileDescriptor lock_;
  std::unique_ptr<EventEncoder> encoder_;
  HttpClient client_;
  BatchSender sender_;
  BatchFreezer freezer_;
  std::unique_ptr<EventReader> reader_;
  std::int64_t seen_version_ = -1;  // of the database, when all of it had been frozen
  std::int64_t frozen_ms_ = 0;      // when the last batch was
  ShipPosition position_;
  ShipStatus status_;
  RateMeter rate_;
  std::int64_t accepted_here_ = 0;  // records of the batch at hand that the status has counted
  std::string reported_;            // the error that was reported last
};

}  // namespace picortex::shipping
