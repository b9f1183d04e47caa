#pragma once

#include <curl/curl.h>

#include "base/result.h"

namespace picortex::shipping {

// The functions of libcurl that are used, loaded when the first of them is needed: libcurl brings
// two dozen libraries along, and 4 MB of memory, which the daemon and the other commands must not
// pay for.
struct CurlLibrary {
  decltype(&curl_global_init) global_init;
  decltype(&curl_easy_init) easy_init;
  decltype(&curl_easy_cleanup) easy_cleanup;
  decltype(&curl_easy_perform) easy_perform;
  decltype(&curl_easy_setopt) easy_setopt;
  decltype(&curl_easy_getinfo) easy_getinfo;
  decltype(&curl_easy_strerror) easy_strerror;
  decltype(&curl_slist_append) slist_append;
  decltype(&curl_slist_free_all) slist_free_all;

  // Loads and prepares it once, while there is one thread. The error says what to install.
  static Result<void> load();
  // After a load() that succeeded.
  static const CurlLibrary& get() noexcept;
};

}  // namespace picortex::shipping
