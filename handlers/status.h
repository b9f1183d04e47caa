#pragma once

#include <string>
#include <vector>

#include "handlers/event_writer.h"
#include "handlers/http/server.h"
#include "reactor/output.h"

namespace picortex {

// A part of the daemon below or beside the handlers that has figures to show.
class StatusSection {
 public:
  // Appends members of the answer's object, each behind a comma: `,"name":{…}`.
  virtual void append_status(std::string& out) const = 0;

 protected:
  ~StatusSection() = default;
};

// GET /api/status: what the loop, the connections, the store and the log say of themselves.
class StatusEndpoint {
 public:
  // What is passed by reference outlives this.
  StatusEndpoint(Reactor& reactor, const http::Server& server, const EventWriter& writer,
                 const Output& output);

  void add(const StatusSection& section) { sections_.push_back(&section); }

  void get(http::Exchange& exchange) noexcept;

 private:
  void append_loop();
  void append_http();
  void append_storage();
  void append_log();

  Reactor& reactor_;
  const http::Server& server_;
  const EventWriter& writer_;
  const Output& output_;
  std::vector<const StatusSection*> sections_;
  std::string body_;
};

}  // namespace picortex
