# add_lowbit_library(NAME SOURCES... [MLIR_LIBS upstream...] [LIBS ours...])
#
# A static library of this project. Upstream libraries go through
# mlir_target_link_libraries, so that libMLIR.so takes their place, and bring
# libLLVM.so, which libMLIR.so needs but does not pass on; every library
# waits for the generated headers. Installed for other compilers, unless
# NO_INSTALL says that only this project's programs link it.
function(add_lowbit_library name)
  cmake_parse_arguments(ARG "NO_INSTALL" "" "MLIR_LIBS;LIBS" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  llvm_update_compile_flags(${name})
  add_dependencies(${name} lowbit-headers)
  target_link_libraries(${name} PUBLIC ${ARG_LIBS})
  if(ARG_MLIR_LIBS)
    mlir_target_link_libraries(${name} PUBLIC ${ARG_MLIR_LIBS})
    target_link_libraries(${name} PUBLIC LLVM)
    if(LOWBIT_PCH)
      target_precompile_headers(${name} REUSE_FROM LowbitPCH)
    endif()
  endif()
  if(NOT ARG_NO_INSTALL)
    install(TARGETS ${name} EXPORT LowbitMLIRTargets
      ARCHIVE DESTINATION lib INCLUDES DESTINATION include)
  endif()
endfunction()

# lowbit_add_precompiled_headers() makes LowbitPCH, the headers of
# PrecompiledHeaders.h compiled once for all libraries that use MLIR: most of the
# time of a compilation goes into these headers.
function(lowbit_add_precompiled_headers)
  set(source ${PROJECT_BINARY_DIR}/PrecompiledHeaders.cpp)
  file(CONFIGURE OUTPUT ${source} CONTENT "// Anchors the precompiled headers.\n")
  add_library(LowbitPCH OBJECT ${source})
  llvm_update_compile_flags(LowbitPCH)
  target_precompile_headers(LowbitPCH PRIVATE
    ${PROJECT_SOURCE_DIR}/cmake/PrecompiledHeaders.h)
endfunction()

# add_lowbit_tool(NAME SOURCES... [MLIR_LIBS upstream...] [LIBS ours...])
function(add_lowbit_tool name)
  cmake_parse_arguments(ARG "" "" "MLIR_LIBS;LIBS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  llvm_update_compile_flags(${name})
  add_dependencies(${name} lowbit-headers)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
  target_link_libraries(${name} PRIVATE ${ARG_LIBS})
  if(ARG_MLIR_LIBS)
    mlir_target_link_libraries(${name} PRIVATE ${ARG_MLIR_LIBS})
    target_link_libraries(${name} PRIVATE LLVM)
  endif()
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# lowbit_tablegen(OUTPUT FLAGS...) generates OUTPUT from LLVM_TARGET_DEFINITIONS
# and makes every library wait for it.
macro(lowbit_tablegen_target name)
  add_public_tablegen_target(${name})
  add_dependencies(lowbit-headers ${name})
endmacro()
