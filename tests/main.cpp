#define BOOST_TEST_MODULE picortex
#include <boost/test/unit_test.hpp>
