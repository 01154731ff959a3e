// The owner of the precompiled header; see libraries.cmake.
