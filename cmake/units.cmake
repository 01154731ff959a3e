# parley_unit(name SOURCES ... [DEPS ...]): one library per unit of the house, named parley_<name>.
# parley_program(name SOURCES ... [DEPS ...]): a program in <build>/bin.
# parley_test(name SOURCES ... [DEPS ...] [LABELS ...] [TIMEOUT seconds] [BACKENDS]): a GoogleTest program, one ctest
#   entry per program. Labels: tsan (runs under the thread sanitizer too), serial (needs the machine for itself), fault.
#   BACKENDS: it needs the real servers, which ctest starts once before all that say so (tests/support/backends).
# (parley_fuzzer is in fuzz/CMakeLists.txt.)
# All include by path from src/ and share the precompiled header.
add_custom_target(tsan_tests)
add_custom_target(fuzzers)
add_custom_target(benches) # what `make bench` builds besides the programs: add_dependencies(benches ...)

function(parley_unit name)
  cmake_parse_arguments(U "" "" "SOURCES;DEPS" ${ARGN})
  add_library(parley_${name} STATIC ${U_SOURCES})
  _parley_common(parley_${name} PUBLIC ${U_DEPS})
endfunction()

function(parley_program name)
  cmake_parse_arguments(U "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${name} ${U_SOURCES})
  _parley_common(${name} PRIVATE ${U_DEPS})
endfunction()

function(parley_test name)
  if(NOT PARLEY_TESTS)
    return()
  endif()
  cmake_parse_arguments(U "BACKENDS" "TIMEOUT" "SOURCES;DEPS;LABELS" ${ARGN})
  add_executable(${name} ${U_SOURCES})
  _parley_common(${name} PRIVATE ${U_DEPS} GTest::gtest GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  if(NOT U_TIMEOUT)
    set(U_TIMEOUT 600) # far beyond what a slow machine with sanitizers needs
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${U_TIMEOUT} LABELS "unit;${U_LABELS}")
  if(U_BACKENDS)
    target_link_libraries(${name} PRIVATE parley_test_backends)
    set_tests_properties(${name} PROPERTIES FIXTURES_REQUIRED backends)
  endif()
  if("serial" IN_LIST U_LABELS)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL TRUE)
  endif()
  if("tsan" IN_LIST U_LABELS)
    add_dependencies(tsan_tests ${name})
  endif()
endfunction()

function(_parley_common target scope)
  target_include_directories(${target} PUBLIC ${CMAKE_SOURCE_DIR}/src ${CMAKE_BINARY_DIR}/gen)
  target_link_libraries(${target} ${scope} parley_asio fmt::fmt ${ARGN})
  target_compile_options(${target} PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
  target_precompile_headers(${target} REUSE_FROM parley_pch)
endfunction()

# parley_subfolders(): adds every folder below this one that has a CMakeLists.txt.
function(parley_subfolders)
  file(GLOB children CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*/CMakeLists.txt)
  foreach(child ${children})
    get_filename_component(folder ${child} DIRECTORY)
    add_subdirectory(${folder})
  endforeach()
endfunction()
