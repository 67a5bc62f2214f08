# Compiles the files of configs/ into the library, so that the program needs no installation folder.
#
# Result: ASIM_EMBEDDED_SOURCE, a C file that defines the table declared in src/base/embedded.h.

file(GLOB_RECURSE ASIM_CONFIG_FILES CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/configs/*.json
    ${CMAKE_SOURCE_DIR}/configs/*.yaml)
list(FILTER ASIM_CONFIG_FILES EXCLUDE REGEX "/configs/(examples|studies)/") # given by path, not by name
# What `asim policy new` and `asim policy build` write.
list(APPEND ASIM_CONFIG_FILES ${CMAKE_SOURCE_DIR}/configs/policies/template.c
    ${CMAKE_SOURCE_DIR}/include/asim/policy.h)
set(ASIM_EMBEDDED_SOURCE ${CMAKE_BINARY_DIR}/generated/embedded.c)
add_custom_command(
    OUTPUT ${ASIM_EMBEDDED_SOURCE}
    COMMAND ${CMAKE_COMMAND} -DOUT=${ASIM_EMBEDDED_SOURCE} -DROOT=${CMAKE_SOURCE_DIR}/configs
        "-DFILES=${ASIM_CONFIG_FILES}" -P ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${ASIM_CONFIG_FILES} ${CMAKE_SOURCE_DIR}/cmake/embed.cmake
    VERBATIM)
