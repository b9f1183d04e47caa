# picortex_layer(NAME [CHECK_CONVERSIONS] SOURCES … LINKS …): a static library with the project's warnings, all of them errors. With
# CHECK_CONVERSIONS also for implicit conversions that may change a value (GCC's -Wconversion; clang's means more).
function(picortex_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                         -Woverloaded-virtual -Wimplicit-fallthrough -Wformat=2 -Werror)
endfunction()

# picortex_precompile(TARGET [HEADER…]): the standard library's headers, half of what a source costs to compile, are compiled
# once a target. The preset includes goes without, so that a missing include is found.
option(PICORTEX_PRECOMPILE "Precompile the standard library's headers" ON)
function(picortex_precompile target)
  if(PICORTEX_PRECOMPILE)
    target_precompile_headers(${target} PRIVATE <algorithm> <array> <chrono> <cstdint> <cstring> <deque> <expected>
                              <functional> <map> <memory> <optional> <span> <string> <string_view> <unordered_map>
                              <utility> <vector> ${ARGN})
    # From a precompiled header GCC 12 warns of the library's own code, which it does not from a system header.
    target_compile_options(${target} PRIVATE -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict)
  endif()
endfunction()

function(picortex_layer name)
  cmake_parse_arguments(LAYER "CHECK_CONVERSIONS" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(${name} STATIC ${LAYER_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${LAYER_LINKS} PRIVATE ${LAYER_PRIVATE_LINKS})
  picortex_warnings(${name})
  if(LAYER_CHECK_CONVERSIONS AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${name} PRIVATE -Wconversion)
  endif()
  picortex_precompile(${name})
endfunction()
