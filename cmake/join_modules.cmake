# cmake -DOUTPUT=… -DROOT=… -P join_modules.cmake: the ES modules that ROOT/modules.txt names, as one script.
#
# Each module becomes a function of its own, so that its names stay its own:
#
#   import { a } from '../b/c.js';     const { a } = module_b_c;
#   export const d = 1;                const d = 1;  … return { d };
#
# A module is listed after those that it imports, so there are no cycles. Not supported: default exports, `as`, and an exported `let`.
cmake_policy(VERSION 3.20)
file(STRINGS ${ROOT}/modules.txt modules)
set(text "")
set(done "")
foreach(module IN LISTS modules)
  string(REGEX REPLACE "[/.]" "_" variable "module_${module}")
  get_filename_component(folder ${ROOT}/${module} DIRECTORY)
  file(READ ${ROOT}/${module} body)
  string(PREPEND body "\n")

  string(REGEX MATCHALL "\nimport ([{][^}]*[}] from )?'[^']*'" imports "${body}")
  foreach(import IN LISTS imports)
    string(REGEX REPLACE ".*'([^']*)'$" "\\1" path "${import}")
    get_filename_component(path ${path} ABSOLUTE BASE_DIR ${folder})
    file(RELATIVE_PATH path ${ROOT} ${path})
    if(NOT path IN_LIST done)
      message(FATAL_ERROR "web/js/${module} imports ${path}, which web/js/modules.txt does not list before it")
    endif()
    string(REGEX REPLACE "[/.]" "_" from "module_${path}")
    if(import MATCHES "[{]([^}]*)[}]")
      string(REPLACE "${import};" "\nconst {${CMAKE_MATCH_1}} = ${from};" body "${body}")
    else()
      string(REPLACE "${import};" "" body "${body}")
    endif()
  endforeach()

  set(names "")
  string(REGEX MATCHALL "\nexport (async )?(function[*]?|class|const) [A-Za-z0-9_$]+" exports "${body}")
  foreach(export IN LISTS exports)
    string(REGEX REPLACE ".* " "" name "${export}")
    list(APPEND names ${name})
  endforeach()
  string(REPLACE "\nexport " "\n" body "${body}")
  # Comments need not be served. No template literal of web/js/ has a line that begins with two slashes.
  string(REGEX REPLACE "\n *//[^\n]*" "" body "${body}")
  string(REPLACE ";" ", " names "${names}")
  string(APPEND text "\n// --- ${module}\nconst ${variable} = (() => {${body}return { ${names} };\n})();\n")
  list(APPEND done ${module})
endforeach()
file(WRITE ${OUTPUT} "${text}")
