# Run by cpack: the version of the package is the project's where git says that this is it (tag v0.1.0); else one that is
# before it and grows with each commit. CPACK_PARLEY_PACKAGE_VERSION says another.
if(NOT CPACK_PARLEY_PACKAGE_VERSION)
  set(CPACK_PARLEY_PACKAGE_VERSION ${CPACK_PARLEY_VERSION})
  set(git git -C ${CPACK_PARLEY_SOURCE})
  execute_process(COMMAND ${git} describe --tags --exact-match OUTPUT_VARIABLE tag OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  execute_process(COMMAND ${git} rev-list --count HEAD OUTPUT_VARIABLE count OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  execute_process(COMMAND ${git} rev-parse --short HEAD OUTPUT_VARIABLE hash OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(count AND NOT tag STREQUAL "v${CPACK_PARLEY_VERSION}")
    string(APPEND CPACK_PARLEY_PACKAGE_VERSION "~git${count}.${hash}")
  endif()
endif()
set(CPACK_DEBIAN_PACKAGE_VERSION ${CPACK_PARLEY_PACKAGE_VERSION})
set(CPACK_PACKAGE_VERSION ${CPACK_PARLEY_PACKAGE_VERSION})
