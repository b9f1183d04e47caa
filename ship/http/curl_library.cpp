#include "ship/http/curl_library.h"

#include <dlfcn.h>

#include <string>

#include "base/check.h"

namespace picortex::shipping {
namespace {

// What the functions of a process are is not a state that could differ between its parts.
CurlLibrary library{};
bool is_loaded = false;

template <class Function>
bool find(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(handle, name));
  return function != nullptr;
}

}  // namespace

Result<void> CurlLibrary::load() {
  if (is_loaded) return {};
  void* const handle = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    return failure("libcurl cannot be loaded: " + std::string(dlerror()) +
                   "; install the package libcurl4");
  }
  const bool is_whole = find(handle, "curl_global_init", library.global_init) &&
                        find(handle, "curl_easy_init", library.easy_init) &&
                        find(handle, "curl_easy_cleanup", library.easy_cleanup) &&
                        find(handle, "curl_easy_perform", library.easy_perform) &&
                        find(handle, "curl_easy_setopt", library.easy_setopt) &&
                        find(handle, "curl_easy_getinfo", library.easy_getinfo) &&
                        find(handle, "curl_easy_strerror", library.easy_strerror) &&
                        find(handle, "curl_slist_append", library.slist_append) &&
                        find(handle, "curl_slist_free_all", library.slist_free_all);
  if (!is_whole || library.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return failure("libcurl.so.4 is not what it should be; install the package libcurl4 again");
  }
  is_loaded = true;
  return {};
}

const CurlLibrary& CurlLibrary::get() noexcept {
  CHECK(is_loaded);
  return library;
}

}  // namespace picortex::shipping
