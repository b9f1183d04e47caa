#include "handlers/http/middleware/scope.h"

#include <boost/test/unit_test.hpp>

using picortex::http::Scope;
using picortex::http::Scopes;

BOOST_AUTO_TEST_SUITE(scope)

BOOST_AUTO_TEST_CASE(names_with_commas_are_read_and_written) {
  for (const char* text : {"read", "write", "telemetry", "admin", "read,write", "read,telemetry"}) {
    const auto scopes = Scopes::parse(text);
    BOOST_REQUIRE(scopes.has_value());
    BOOST_TEST(scopes->text() == text);
  }
  BOOST_TEST(Scopes::parse("write,read,read")->text() == "read,write");
}

BOOST_AUTO_TEST_CASE(anything_else_is_rejected) {
  for (const char* text : {"", ",", "read,", ",read", "read, write", "Read", "all", "read write"}) {
    BOOST_TEST(!Scopes::parse(text).has_value(), text);
  }
}

BOOST_AUTO_TEST_CASE(no_scopes_grant_nothing) {
  for (const Scope scope : {Scope::read, Scope::write, Scope::telemetry, Scope::admin}) {
    BOOST_TEST(!Scopes().grant(scope));
  }
  BOOST_TEST(Scopes().is_empty());
}

BOOST_AUTO_TEST_SUITE_END()
