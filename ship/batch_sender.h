#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "ship/encode/event_encoder.h"
#include "ship/frozen_batch.h"
#include "ship/http/answer_verdict.h"
#include "ship/http/backoff.h"
#include "ship/http/http_client.h"

namespace picortex::shipping {

// What the sender asks of its owner while it works.
class SenderHost {
 public:
  virtual ~SenderHost() = default;
  // The first `records` of the batch are done with: saved before more are sent.
  virtual Result<void> note_progress(std::size_t records) = 0;
  // The target rejects this record for ever: it says why.
  virtual void note_rejected(std::string_view record, const std::string& why) = 0;
  // Of records that were accepted, the target says that it kept some out, without saying which.
  virtual void note_partly_rejected(std::int64_t records, const std::string& why) = 0;
  virtual void note_failure(const std::string& why, std::int64_t failures) = 0;
  // False: the process ends.
  virtual bool wait(std::chrono::milliseconds time) = 0;
  virtual std::int64_t now_s() const = 0;
  virtual std::uint32_t random() = 0;
};

// Sends a frozen batch, one request after the other, until every record is accepted or known to be
// unacceptable. A request is a node of a tree: a group's records, or the first or second half of a
// node that the server would not take. The nodes are the same in each run of the process, so that
// what may have been stored already is sent again with the same bytes.
//
//   answer     node of several records       node of one record
//   accepted   done                          done
//   halve      its halves, first half first  rejected, once the target has taken any other record
//   retry      the same node, after a while  the same
//
// While a target has taken nothing, its objections may be to everything: then nothing is rejected,
// and the batch is given back.
class BatchSender {
 public:
  // This number of records, one by one, and nothing accepted: it is not about the events.
  static constexpr std::size_t kUnjustMax = 32;

  enum class Outcome : std::uint8_t { done, stopped, all_rejected };

  // References passed in must outlive this object.
  BatchSender(const ShipTarget& target, std::string url, const EventEncoder& encoder,
              Poster& poster, SenderHost& host)
      : target_(target), url_(std::move(url)), encoder_(encoder), poster_(poster), host_(host) {}

  // Sends what comes after the first `done` records.
  Result<Outcome> send(const FrozenBatch& batch, std::size_t done);
  // Why the last batch was given back.
  const std::string& objection() const noexcept { return objection_; }

 private:
  struct Node {
    std::size_t first;
    std::size_t end;

    std::size_t size() const noexcept { return end - first; }
  };
  enum class Step : std::uint8_t { next, stopped, all_rejected };

  Result<Step> step(const FrozenBatch& batch, const Node& node);
  Result<Step> object(const FrozenBatch& batch, const Node& node, const std::string& why);
  Result<void> accept(const FrozenBatch& batch, const Node& node);
  void reject_suspects(const FrozenBatch& batch);
  void push_halves(const Node& node);

  struct Suspect {
    std::size_t record;
    std::string why;
  };

  const ShipTarget& target_;
  const std::string url_;
  const EventEncoder& encoder_;
  Poster& poster_;
  SenderHost& host_;
  Backoff backoff_;
  bool has_accepted_ = false;  // in this run of the process
  std::vector<Node> nodes_;    // the next one last
  std::vector<Suspect> suspects_;
  std::string objection_;
  std::string scratch_;
};

}  // namespace picortex::shipping
