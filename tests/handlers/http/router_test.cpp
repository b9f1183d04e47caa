#include "handlers/http/router.h"

#include <boost/test/unit_test.hpp>

using namespace picortex::http;

namespace {

struct RouterFixture {
  RouterFixture() {
    for (const auto& [method, path] : {std::pair{Method::get, "/a"},
                                       {Method::post, "/a"},
                                       {Method::post, "/b"},
                                       {Method::get, "/a/b"},
                                       {Method::post, "/n/*/end/"},
                                       {Method::options, "/n/*/end/"},
                                       {Method::get, "/n/7/end/"}}) {
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

BOOST_AUTO_TEST_CASE(a_star_stands_for_digits_alone) {
  for (const char* path : {"/n/1/end/", "/n/0/end/", "/n/4507193821/end/"}) {
    const auto match = router.find(Method::post, path);
    BOOST_REQUIRE(match.route != nullptr);
    BOOST_TEST(match.route->path == "/n/*/end/");
  }
  for (const char* path :
       {"/n//end/", "/n/*/end/", "/n/1a/end/", "/n/1/2/end/", "/n/1/end", "/n/-1/end/",
        "/n/1/end/x", "/n/end/", "/n/%31/end/", "n/1/end/", "/n/1"}) {
    const auto match = router.find(Method::post, path);
    BOOST_TEST(match.route == nullptr, path);
    BOOST_TEST(match.allow == "", path);
  }
}

BOOST_AUTO_TEST_CASE(a_number_without_the_method_names_those_it_has) {
  BOOST_TEST(router.find(Method::get, "/n/1/end/").allow == "Allow: POST, OPTIONS\r\n");
}

BOOST_AUTO_TEST_CASE(an_exact_path_comes_before_a_number) {
  BOOST_TEST(router.find(Method::get, "/n/7/end/").route->path == "/n/7/end/");
  BOOST_TEST(router.find(Method::put, "/n/7/end/").allow == "Allow: GET, HEAD, POST, OPTIONS\r\n");
}

BOOST_AUTO_TEST_CASE(lists_its_routes_with_who_may_call_them) {
  std::string paths;
  for (const Route& route : router.routes()) paths.append(route.path).append(" ");
  BOOST_TEST(paths == "/a /a /b /a/b /n/7/end/ /n/*/end/ /n/*/end/ ");
  BOOST_TEST(access_name(Access::anyone) == "anyone");
  BOOST_TEST(access_name(Access::own_host) == "own_host");
  BOOST_TEST(access_name(Access::own_names) == "own_names");
  BOOST_TEST(access_name(Access::any_scope) == "any_scope");
  BOOST_TEST(access_name(Access::read) == "read");
  BOOST_TEST(access_name(Access::admin) == "admin");
}

BOOST_AUTO_TEST_SUITE_END()
