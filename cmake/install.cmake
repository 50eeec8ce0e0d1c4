# cmake -DBINARY=… -DSOURCE=… -DPREFIX=… -DPython_EXECUTABLE=… [-DC_LIBRARY=…] -P install.cmake
# The install target of LAMMPS wants manual pages that not every source has: lay it out by hand.
file(MAKE_DIRECTORY "${PREFIX}/bin" "${PREFIX}/lib" "${PREFIX}/python")
file(COPY_FILE "${BINARY}/lmp" "${PREFIX}/bin/lmp-bare")
file(GLOB libraries "${BINARY}/liblammps*.so*")
file(COPY ${libraries} DESTINATION "${PREFIX}/lib")
file(COPY "${SOURCE}/python/lammps" DESTINATION "${PREFIX}/python")
execute_process(COMMAND "${Python_EXECUTABLE}" -c "import sys; print(sys.prefix)"
                OUTPUT_VARIABLE python_prefix OUTPUT_STRIP_TRAILING_WHITESPACE)
configure_file("${CMAKE_CURRENT_LIST_DIR}/lmp.in" "${PREFIX}/bin/lmp" @ONLY)
file(CHMOD "${PREFIX}/bin/lmp" "${PREFIX}/bin/lmp-bare" PERMISSIONS
     OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
message(STATUS "LAMMPS for pykoh: ${PREFIX}/bin/lmp")
