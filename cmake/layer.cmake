function(picortex_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor
                         -Woverloaded-virtual -Wimplicit-fallthrough -Wformat=2 -Werror)
  # In a joined source a type of an anonymous namespace looks as if a header had it.
  if(CMAKE_UNITY_BUILD)
    target_compile_options(${target} PRIVATE -Wno-subobject-linkage)
  endif()
endfunction()

# Headers that many sources include cost more to compile than most of these sources: they are compiled once, and every target
# that calls picortex_precompile shares them. The preset includes goes without, so that a missing include is found.
option(PICORTEX_PRECOMPILE "Precompile the headers of the standard library, simdjson and Boost.Test" ON)

# picortex_headers(NAME [LINKS LIBRARY…] [HEADERS HEADER…]): the standard library's and these, compiled as a target that links the
# libraries is. A target that shares them has to link the same of these, as its macros have to be the same.
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/generated/precompiled.cpp CONTENT "")
function(picortex_headers name)
  cmake_parse_arguments(HEADERS "" "" "LINKS;HEADERS" ${ARGN})
  add_library(${name} OBJECT EXCLUDE_FROM_ALL ${PROJECT_BINARY_DIR}/generated/precompiled.cpp)
  target_link_libraries(${name} PRIVATE ${HEADERS_LINKS})
  picortex_warnings(${name})
  target_precompile_headers(${name} PRIVATE <algorithm> <array> <chrono> <cstdint> <cstring> <deque> <expected>
                            <functional> <map> <memory> <optional> <span> <string> <string_view> <unordered_map>
                            <utility> <vector> ${HEADERS_HEADERS})
endfunction()
picortex_headers(picortex_standard_headers)
picortex_headers(picortex_json_headers LINKS simdjson::simdjson HEADERS <simdjson.h>)

function(picortex_precompile target headers)
  if(PICORTEX_PRECOMPILE)
    target_precompile_headers(${target} REUSE_FROM ${headers})
    # From a precompiled header GCC 12 warns of the library's own code, which it does not from a system header.
    target_compile_options(${target} PRIVATE -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread -Wno-restrict)
  endif()
endfunction()

# picortex_layer(NAME [CHECK_CONVERSIONS] SOURCES … LINKS …): a static library with the project's warnings, all of them errors. With
# CHECK_CONVERSIONS also for implicit conversions that may change a value (GCC's -Wconversion; clang's means more).
function(picortex_layer name)
  cmake_parse_arguments(LAYER "CHECK_CONVERSIONS" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(${name} STATIC ${LAYER_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${LAYER_LINKS} PRIVATE ${LAYER_PRIVATE_LINKS})
  picortex_warnings(${name})
  if(LAYER_CHECK_CONVERSIONS AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${name} PRIVATE -Wconversion)
  endif()
  if("simdjson::simdjson" IN_LIST LAYER_PRIVATE_LINKS)
    picortex_precompile(${name} picortex_json_headers)
  else()
    picortex_precompile(${name} picortex_standard_headers)
  endif()
endfunction()
