# SPDX-License-Identifier: Apache-2.0
# sluice_llhttp: Debian's llhttp (package node-llhttp ships the generated C sources, no library) as a static library.
# LLHTTP_STRICT_MODE: without it the generated code skips the byte after CR unread, whatever it is.
find_path(LLHTTP_SOURCE_DIR llhttp.c PATHS /usr/share/llhttp NO_DEFAULT_PATH)
find_path(LLHTTP_INCLUDE_DIR llhttp.h PATHS /usr/share/include/llhttp NO_DEFAULT_PATH)
if(NOT LLHTTP_SOURCE_DIR OR NOT LLHTTP_INCLUDE_DIR)
  message(FATAL_ERROR "llhttp sources not found in /usr/share/llhttp: run tools/setup (apt-get install node-llhttp)")
endif()
if(NOT TARGET sluice_llhttp)
  add_library(sluice_llhttp STATIC ${LLHTTP_SOURCE_DIR}/llhttp.c ${LLHTTP_SOURCE_DIR}/api.c ${LLHTTP_SOURCE_DIR}/http.c)
  target_include_directories(sluice_llhttp SYSTEM PUBLIC ${LLHTTP_INCLUDE_DIR})
  target_compile_definitions(sluice_llhttp PUBLIC LLHTTP_STRICT_MODE=1)
  target_compile_options(sluice_llhttp PRIVATE -w)
  target_link_libraries(sluice_llhttp PRIVATE sluice_flags)
endif()
