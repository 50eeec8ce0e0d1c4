# Given to LAMMPS's CMake as CMAKE_PROJECT_lammps_INCLUDE: reads the headers that nearly all of its files
# share once for all of them. testbench.sh uses it, because it compiles on two cores in each CI.
cmake_language(DEFER CALL target_precompile_headers lammps PRIVATE
  "<mpi.h>" "<algorithm>" "<cmath>" "<cstring>" "<map>" "<memory>" "<set>" "<string>" "<unordered_map>" "<vector>"
  "${CMAKE_CURRENT_SOURCE_DIR}/../src/pointers.h")
