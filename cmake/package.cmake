# `cpack` in a build directory makes picortex_VERSION_ARCHITECTURE.deb: the daemon, its systemd units, an example
# configuration, an empty allowlist, the lnav format, completions for three shells, the man pages and the documentation. Dependencies are computed from the binary.
set(deploy ${PROJECT_SOURCE_DIR}/deploy)
set(package_files ${PROJECT_BINARY_DIR}/package)

find_program(GZIP gzip REQUIRED)
foreach(page picortex.1 picortex.conf.5 picortex-egress.8)
  add_custom_command(OUTPUT ${package_files}/${page}.gz
    COMMAND ${CMAKE_COMMAND} -E make_directory ${package_files}
    COMMAND sh -c "${GZIP} -9nc '${deploy}/${page}' > '${package_files}/${page}.gz'"
    DEPENDS ${deploy}/${page} VERBATIM)
  list(APPEND man_pages ${package_files}/${page}.gz)
endforeach()
add_custom_target(picortex_package DEPENDS ${man_pages})
add_dependencies(picortex picortex_package)

install(TARGETS picortex RUNTIME DESTINATION /usr/bin)
install(FILES ${deploy}/picortex.service ${deploy}/picortex.socket ${deploy}/picortex-ship.service DESTINATION /lib/systemd/system)
install(FILES ${deploy}/picortex.conf ${deploy}/egress-allowlist.txt DESTINATION /etc/picortex)
install(FILES ${deploy}/picortex.lnav.json DESTINATION /etc/lnav/formats/picortex)
install(FILES ${deploy}/completions/picortex.bash DESTINATION /usr/share/bash-completion/completions RENAME picortex)
install(FILES ${deploy}/completions/_picortex DESTINATION /usr/share/zsh/vendor-completions)
install(FILES ${deploy}/completions/picortex.fish DESTINATION /usr/share/fish/vendor_completions.d)
install(FILES ${package_files}/picortex.1.gz DESTINATION /usr/share/man/man1)
install(FILES ${package_files}/picortex.conf.5.gz DESTINATION /usr/share/man/man5)
install(FILES ${package_files}/picortex-egress.8.gz DESTINATION /usr/share/man/man8)
install(FILES ${PROJECT_SOURCE_DIR}/README.md ${PROJECT_SOURCE_DIR}/ARCHITECTURE.md ${PROJECT_SOURCE_DIR}/CHANGELOG.md
  ${PROJECT_SOURCE_DIR}/CONTRIBUTING.md ${PROJECT_SOURCE_DIR}/LICENSE ${PROJECT_SOURCE_DIR}/SECURITY.md DESTINATION /usr/share/doc/picortex)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/docs DESTINATION /usr/share/doc/picortex)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_CONTACT "picortex maintainers <root@localhost>")
set(CPACK_STRIP_FILES ON)
set(CPACK_SET_DESTDIR ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION admin)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "adduser, init-system-helpers (>= 1.51), libcurl4")
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS "iptables")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "tmux, lnav")
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${deploy}/debian/conffiles ${deploy}/debian/postinst
    ${deploy}/debian/prerm ${deploy}/debian/postrm)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
if(CMAKE_CROSSCOMPILING)
  set(CPACK_DEBIAN_PACKAGE_ARCHITECTURE arm64)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS OFF)
  set(CPACK_ARM64_DEPENDS ${PROJECT_SOURCE_DIR}/cmake/arm64_depends.sh)
  set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/cmake/arm64_depends.cmake)
endif()
include(CPack)
