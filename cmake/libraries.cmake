# The libraries of Debian 12 that Parley stands on, each as one imported target.
find_package(Threads REQUIRED)
find_package(Boost 1.81 REQUIRED)
find_package(Protobuf REQUIRED)
find_package(gRPC CONFIG REQUIRED) # after Protobuf
find_package(spdlog REQUIRED)
find_package(fmt REQUIRED)
if(PARLEY_TESTS)
  find_package(GTest REQUIRED)
endif()
find_package(OpenSSL 3 REQUIRED)
find_package(CURL REQUIRED)
find_package(PkgConfig REQUIRED)
include(GoogleTest)
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(ROCKSDB REQUIRED IMPORTED_TARGET rocksdb)
pkg_check_modules(SQLITE3 REQUIRED IMPORTED_TARGET sqlite3)
find_package(simdjson REQUIRED)
find_package(prometheus-cpp REQUIRED)
pkg_check_modules(TOML REQUIRED IMPORTED_TARGET tomlplusplus)
pkg_check_modules(CLI11 REQUIRED IMPORTED_TARGET CLI11)
pkg_check_modules(HIREDIS REQUIRED IMPORTED_TARGET hiredis)

find_library(SOCI_CORE soci_core REQUIRED)
find_library(SOCI_SQLITE3 soci_sqlite3 REQUIRED)
add_library(soci INTERFACE)
target_include_directories(soci SYSTEM INTERFACE /usr/include/soci)
target_link_libraries(soci INTERFACE ${SOCI_SQLITE3} ${SOCI_CORE} PkgConfig::SQLITE3)

# One precompiled header: Asio and the standard headers that most files use.
add_library(parley_pch OBJECT ${CMAKE_SOURCE_DIR}/cmake/pch.cc)
target_compile_options(parley_pch PRIVATE "SHELL:-Xclang -fno-pch-timestamp")
target_compile_definitions(parley_pch PUBLIC BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED SPDLOG_FMT_EXTERNAL SPDLOG_COMPILED_LIB)
target_precompile_headers(parley_pch PRIVATE
  <boost/asio.hpp> <algorithm> <array> <atomic> <chrono> <cstdint> <deque> <expected> <functional> <memory>
  <mutex> <optional> <span> <string> <string_view> <thread> <unordered_map> <utility> <vector> <fmt/format.h>)
add_library(parley_asio STATIC ${CMAKE_SOURCE_DIR}/cmake/asio_impl.cc)
target_compile_definitions(parley_asio PUBLIC BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED SPDLOG_FMT_EXTERNAL SPDLOG_COMPILED_LIB)
target_link_libraries(parley_asio PUBLIC Threads::Threads)
