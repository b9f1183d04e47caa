# The clients, as packages that can be installed from a file: build/<preset>/clients/picortex-VERSION.tgz is what `npm install`
# takes. The folders themselves go into the Debian package, with the example bot.
set(clients ${PROJECT_SOURCE_DIR}/clients)
set(client_packages ${PROJECT_BINARY_DIR}/clients)
set(node_client ${client_packages}/picortex-${PROJECT_VERSION}.tgz)
file(GLOB_RECURSE node_client_files CONFIGURE_DEPENDS ${clients}/node/src/* ${clients}/node/types/*)
list(APPEND node_client_files ${clients}/node/package.json ${clients}/node/README.md)

add_custom_command(OUTPUT ${node_client}
  COMMAND ${CMAKE_COMMAND} -E rm -rf ${client_packages}/package
  COMMAND ${CMAKE_COMMAND} -E make_directory ${client_packages}/package
  COMMAND ${CMAKE_COMMAND} -E copy_directory ${clients}/node/src ${client_packages}/package/src
  COMMAND ${CMAKE_COMMAND} -E copy_directory ${clients}/node/types ${client_packages}/package/types
  COMMAND ${CMAKE_COMMAND} -E copy ${clients}/node/package.json ${clients}/node/README.md ${PROJECT_SOURCE_DIR}/LICENSE
          ${client_packages}/package
  COMMAND ${CMAKE_COMMAND} -E chdir ${client_packages} ${CMAKE_COMMAND} -E tar czf ${node_client} package
  DEPENDS ${node_client_files} VERBATIM)
add_custom_target(picortex_clients DEPENDS ${node_client})
add_dependencies(picortex picortex_clients)

install(FILES ${node_client} DESTINATION /usr/share/picortex/clients)
install(DIRECTORY ${clients}/node ${clients}/python ${clients}/shell ${clients}/examples DESTINATION /usr/share/picortex/clients
  PATTERN node_modules EXCLUDE PATTERN __pycache__ EXCLUDE)
