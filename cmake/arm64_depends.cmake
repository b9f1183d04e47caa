# Run by CPack before it makes the package: adds the libraries' packages, by the program that is about to be packed.
execute_process(COMMAND ${CPACK_ARM64_DEPENDS} ${CPACK_TEMPORARY_DIRECTORY}/usr/bin/picortex
                OUTPUT_VARIABLE libraries OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "${libraries}, ${CPACK_DEBIAN_PACKAGE_DEPENDS}")
