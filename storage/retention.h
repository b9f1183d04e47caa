#pragma once

#include <cstdint>
#include <optional>

#include "storage/database.h"

namespace picortex {

struct RetentionLimits {
  std::int64_t age_max_ms = 0;  // of an event, by its own time; 0: whatever its age
  std::int64_t size_max = 0;    // of the database with its log, in bytes; 0: whatever their size

  bool operator==(const RetentionLimits&) const = default;
};

// Lets the oldest events go, a few at a time: those beyond an age, and as many as it takes to stay
// within a size. For the size those go first that anybody may send, so that nobody without the
// token can push other events out. The pages that become free are used again, so that a file that
// has reached its size grows no further; it never shrinks. What was counted stays counted: chats
// and turns in all, and the hosts of the fence. Part of the EventStore.
class Retention {
 public:
  // The least size_max: the log may take up to kLogSize of it.
  static constexpr std::int64_t kSizeMaxMin = std::int64_t{64} << 20;
  static constexpr std::int64_t kLogSize = std::int64_t{24} << 20;

  // Once.
  StoreResult<void> prepare(Database& database);
  void limit(const RetentionLimits& limits) noexcept { limits_ = limits; }

  // Whether there are events that are to go.
  StoreResult<bool> is_due(std::int64_t now_ms);
  // Deletes at most so many of them; answers how many. Within a transaction.
  StoreResult<std::size_t> forget(std::int64_t now_ms, std::size_t rows_max);

  // Of the database, without pages that are free, when it was last looked at.
  std::int64_t size() const noexcept { return size_; }

 private:
  StoreResult<std::optional<std::int64_t>> end_of_expired(std::int64_t now_ms);
  StoreResult<bool> is_too_large();
  StoreResult<std::size_t> run(Statement& statement, std::size_t rows_max);

  Database* database_ = nullptr;
  RetentionLimits limits_;
  std::int64_t page_size_ = 0;
  std::int64_t size_ = 0;
  Statement oldest_;
  Statement pages_;
  Statement free_pages_;
  Statement forget_type_;
  Statement forget_oldest_;
  Statement forget_minutes_;
};

}  // namespace picortex
