# Debian's node-llhttp ships llhttp as C sources and a header, without a library: compile them here.
find_path(LLHTTP_INCLUDE_DIR llhttp/llhttp.h PATHS /usr/share/include REQUIRED)
find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH REQUIRED)
add_library(llhttp STATIC ${LLHTTP_SOURCE_DIR}/api.c ${LLHTTP_SOURCE_DIR}/http.c
                          ${LLHTTP_SOURCE_DIR}/llhttp.c)
target_include_directories(llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR} ${LLHTTP_INCLUDE_DIR}/llhttp)
# Strict: rejects what the RFC forbids. The header is compiled with the same switch.
target_compile_definitions(llhttp PUBLIC LLHTTP_STRICT_MODE=1)
target_compile_options(llhttp PRIVATE -w -O2)
set_target_properties(llhttp PROPERTIES UNITY_BUILD OFF)
