#pragma once

#include <string>
#include <vector>

#include "base/json/json_object.h"
#include "handlers/http/server.h"
#include "handlers/pipeline/event_writer.h"
#include "reactor/output.h"

namespace picortex {

// A part of the daemon that has stats to show.
class StatusSection {
 public:
  // Adds its members to the object that the answer is.
  virtual void append_status(JsonObject& status) const = 0;

 protected:
  ~StatusSection() = default;
};

// GET /api/status: the stats of the loop, the connections, the store and the log.
class StatusEndpoint {
 public:
  // References passed in must outlive this object.
  StatusEndpoint(Reactor& reactor, const http::Server& server, const EventWriter& writer,
                 const Output& output);

  void add(const StatusSection& section) { sections_.push_back(&section); }

  void get(http::Exchange& exchange) noexcept;

 private:
  void append_loop(JsonObject loop);
  void append_http(JsonObject http);
  void append_storage(JsonObject storage);
  void append_log(JsonObject log);

  Reactor& reactor_;
  const http::Server& server_;
  const EventWriter& writer_;
  const Output& output_;
  std::vector<const StatusSection*> sections_;
  std::string body_;
};

}  // namespace picortex
