#include "handlers/ingest/sentry/sentry_stable_name.h"

#include <boost/test/unit_test.hpp>
#include <string>
#include <utility>

using namespace picortex;

BOOST_AUTO_TEST_SUITE(sentry_stable_name)

namespace {

std::string stable(std::string_view name) {
  std::string out;
  append_stable_name(out, name);
  return out;
}

}  // namespace

BOOST_AUTO_TEST_CASE(what_is_new_each_time_is_left_out) {
  using namespace std::literals;
  const std::pair<std::string_view, const char*> names[] = {
      {"blob:https://chat.example/3f0c1c5e-9a51-4d0e-8a35-0a1b2c3d4e5f",
       "blob:https://chat.example/<uuid>"},
      {"blob:null/3F0C1C5E-9A51-4D0E-8A35-0A1B2C3D4E5F", "blob:null/<uuid>"},
      {"/tmp/job-3f0c1c5e-9a51-4d0e-8a35-0a1b2c3d4e5f/main.py", "/tmp/job-<uuid>/main.py"},
      {"com.x.A$$Lambda$14/0x0000000800c8", "com.x.A$$Lambda"},
      {"com.x.A$$Lambda$14/1804094807.run", "com.x.A$$Lambda.run"},
      {"com.x.A$$Lambda/0x00007f1a2c001a40.apply", "com.x.A$$Lambda.apply"},
      {"com.x.A$$Lambda$7", "com.x.A$$Lambda"},
      {"jdk.internal.reflect.GeneratedMethodAccessor71",
       "jdk.internal.reflect.GeneratedMethodAccessor"},
      {"com.sun.proxy.$Proxy12.call", "com.sun.proxy.$Proxy.call"},
      {"com.x.A$$EnhancerBySpringCGLIB$$4f1e2a9b.get", "com.x.A$$EnhancerBySpringCGLIB$$.get"},
      {"class@anonymous\0/srv/x.php:3$0::handle"sv, "class@anonymous::handle"},
      {"class@anonymous\0/srv/x.php:30$1f::handle"sv, "class@anonymous::handle"},
      {"App\\Job@anonymous/srv/x.php:3$0::run", "App\\Job@anonymous::run"},
      {"RuntimeException@anonymous\0/srv/x.php:3$0"sv, "RuntimeException@anonymous"},
      {"lambda_method12", "lambda_method"},
      {"Widget at 0x7f12a4c0d310", "Widget at <address>"}};
  for (const auto& [name, kept] : names) BOOST_TEST(stable(name) == kept, kept);
}

BOOST_AUTO_TEST_CASE(other_names_stay_as_they_are) {
  for (const char* name :
       {"", "main", "http://x/app.js", "0x1f", "a0x123456", "App\\Handler::handle", "$$Lambda",
        "A$$Lambda$x", "A$Proxy", "step2", "3f0c1c5e-9a51-4d0e-8a35", "deadbeef.cpp",
        "3f0c1c5e9a514d0e8a350a1b2c3d4e5f", "user@anonymous", "Foo$1", "<lambda>", "{closure}",
        "blob:https://chat.example/x", "functionübung"}) {
    BOOST_TEST(stable(name) == name);
  }
}

BOOST_AUTO_TEST_SUITE_END()
