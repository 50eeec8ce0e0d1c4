# cmake -DBINARY=… -DSOURCE=… -DPREFIX=… -DWRAPPER=… -P install.cmake
file(MAKE_DIRECTORY "${PREFIX}/bin" "${PREFIX}/lib" "${PREFIX}/python")
file(COPY_FILE "${BINARY}/lmp" "${PREFIX}/bin/lmp-bare")
file(GLOB libraries "${BINARY}/liblammps*.so*")
file(COPY ${libraries} DESTINATION "${PREFIX}/lib")
file(COPY "${SOURCE}/python/lammps" DESTINATION "${PREFIX}/python")
file(COPY_FILE "${WRAPPER}" "${PREFIX}/bin/lmp")
file(CHMOD "${PREFIX}/bin/lmp" "${PREFIX}/bin/lmp-bare" PERMISSIONS
     OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
message(STATUS "LAMMPS for pykoh: ${PREFIX}/bin/lmp")
