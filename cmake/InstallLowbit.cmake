# Installs the CMake package Lowbit and the headers of the parts that use MLIR;
# libraries and tools are installed where they are made, and the headers of the
# C API with the libraries that they belong to.
include(CMakePackageConfigHelpers)

set(package_dir lib/cmake/lowbit)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/LowbitConfig.cmake.in
  ${PROJECT_BINARY_DIR}/cmake/LowbitConfig.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cmake/LowbitConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
  ${PROJECT_BINARY_DIR}/cmake/LowbitConfig.cmake
  ${PROJECT_BINARY_DIR}/cmake/LowbitConfigVersion.cmake
  DESTINATION ${package_dir})
foreach(set LowbitTargets LowbitMLIRTargets)
  install(EXPORT ${set} NAMESPACE Lowbit:: DESTINATION ${package_dir})
endforeach()

# The compiler in C++ is not installed: its C API is the stable way to call it.
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/lowbit ${PROJECT_BINARY_DIR}/include/lowbit
  DESTINATION include
  FILES_MATCHING PATTERN "*.h" PATTERN "*.td" PATTERN "*.inc"
  PATTERN "CMakeFiles" EXCLUDE PATTERN "Compiler" EXCLUDE)
