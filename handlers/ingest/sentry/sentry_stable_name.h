#pragma once

#include <string>
#include <string_view>

namespace picortex {

// Appends the name of a function, file, module or type without what is new in each process, page
// load or build of the same program, so that the same error has the same fingerprint:
//
//   UUIDs                     blob:https://chat.example/3f0c…         → <uuid> in its place
//   addresses                 Widget at 0x7f12a4c0d310                → <address> in its place
//   Java's generated classes  A$$Lambda$14/0x0000000800c8             → A$$Lambda
//                             GeneratedMethodAccessor7, $Proxy12      → without the number
//                             A$$EnhancerBySpringCGLIB$$4f1e2a9b      → A$$EnhancerBySpringCGLIB$$
//   PHP's anonymous classes   class@anonymous\0/srv/x.php:3$0::handle → class@anonymous::handle
//   .NET's compiled lambdas   lambda_method12                         → lambda_method
//
// All other names are appended as they are.
void append_stable_name(std::string& out, std::string_view whole);

}  // namespace picortex
