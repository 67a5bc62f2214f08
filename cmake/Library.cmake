# libasim: static and shared, with headers and a pkg-config file.
add_library(asim_static STATIC $<TARGET_OBJECTS:asim_objects>)
set_target_properties(asim_static PROPERTIES OUTPUT_NAME asim)
target_link_libraries(asim_static PUBLIC asim_objects)

add_library(asim_shared SHARED $<TARGET_OBJECTS:asim_objects>)
set_target_properties(asim_shared PROPERTIES OUTPUT_NAME asim VERSION ${PROJECT_VERSION} SOVERSION 0
    LINK_DEPENDS ${CMAKE_SOURCE_DIR}/cmake/asim.map)
target_link_libraries(asim_shared PRIVATE asim_objects)
target_link_options(asim_shared PRIVATE -Wl,--version-script=${CMAKE_SOURCE_DIR}/cmake/asim.map)

# What static linking needs besides. hwloc by name: its own list for static linking has libraries (udev) that a program
# on the shared hwloc does not need and most machines lack.
set(ASIM_PC_LIBS_PRIVATE "-lhwloc -lm -lstdc++ -pthread")
foreach(library IN LISTS CMAKE_DL_LIBS)
    string(APPEND ASIM_PC_LIBS_PRIVATE " -l${library}")
endforeach()
if(NOT ASIM_TEAM_PTHREADS)
    string(APPEND ASIM_PC_LIBS_PRIVATE " ${OpenMP_C_FLAGS}")
endif()
if(ASIM_MPI)
    string(JOIN " " mpi_libraries ${MPI_C_LIBRARIES})
    string(APPEND ASIM_PC_LIBS_PRIVATE " ${mpi_libraries}")
endif()

# The pkg-config file finds its prefix from its own place, so that an installed tree can be moved.
file(RELATIVE_PATH ASIM_PC_TO_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig /prefix)
configure_file(${CMAKE_SOURCE_DIR}/cmake/asim.pc.in ${CMAKE_BINARY_DIR}/asim.pc @ONLY)
install(TARGETS asim_static asim_shared ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
    LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/asim DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${CMAKE_BINARY_DIR}/asim.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
