#include "handlers/http/router.h"

#include <boost/test/unit_test.hpp>

using namespace picortex::http;

namespace {

struct RouterFixture {
  RouterFixture() {
    for (const auto& [method, path] : {std::pair{Method::get, "/a"},
                                       {Method::post, "/a"},
                                       {Method::post, "/b"},
                                       {Method::get, "/a/b"}}) {
      router.add(
          {method, path, Access::anyone, 0, false, Endpoint::to<&RouterFixture::answer>(*this)});
    }
  }
  void answer(Exchange&) noexcept {}

  Router router;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(router_lookup, RouterFixture)

BOOST_AUTO_TEST_CASE(finds_by_method_and_exact_path) {
  BOOST_TEST((router.find(Method::post, "/a").route->method == Method::post));
  BOOST_TEST(router.find(Method::get, "/a/b").route->path == "/a/b");
  for (const char* path : {"/", "", "/A", "/a/", "/a/b/c", "//a", "/%61"}) {
    const auto match = router.find(Method::get, path);
    BOOST_TEST(match.route == nullptr);
    BOOST_TEST(match.allow == "");
  }
}

BOOST_AUTO_TEST_CASE(a_get_route_answers_head) {
  BOOST_TEST((router.find(Method::head, "/a").route->method == Method::get));
}

BOOST_AUTO_TEST_CASE(a_path_without_the_method_names_those_it_has) {
  const auto both = router.find(Method::put, "/a");
  BOOST_TEST(both.route == nullptr);
  BOOST_TEST(both.allow == "Allow: GET, HEAD, POST\r\n");
  BOOST_TEST(router.find(Method::head, "/b").allow == "Allow: POST\r\n");
}

BOOST_AUTO_TEST_SUITE_END()
