# Run at every build (cmake -P) with SOURCE_DIR, OUTPUT and VERSION: writes OUTPUT, a header with the version and the
# commit that is being built, and leaves it alone when nothing changed, so that nothing is compiled again.
execute_process(COMMAND git -C ${SOURCE_DIR} rev-parse --short HEAD
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE
                ERROR_QUIET RESULT_VARIABLE status)
if(NOT status EQUAL 0)
  set(commit unknown)
endif()
configure_file(${SOURCE_DIR}/cmake/version.h.in ${OUTPUT} @ONLY)
