# SPDX-License-Identifier: Apache-2.0
# Compiler settings that every target of this project shares.
option(SLUICE_THREAD_SAFETY "clang -Wthread-safety as errors" OFF)
option(SLUICE_COVERAGE "gcov instrumentation" OFF)
option(SLUICE_FUZZ "build libFuzzer targets (needs clang)" OFF)
set(SLUICE_SANITIZE "" CACHE STRING "sanitizers, for example address,undefined or thread")

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -g1")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g1")
if(SLUICE_SANITIZE)
  # -O1: the whole agent under load is several times faster than at -O0. -g1: a report needs lines, not variables.
  set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")
  set(CMAKE_C_FLAGS_DEBUG "-O1 -g1")
endif()

find_program(CCACHE_PROGRAM ccache)
if(CCACHE_PROGRAM)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE_PROGRAM})
endif()

# Warnings apply to our own code only: generated and third-party sources link sluice_flags, not sluice_warnings.
add_library(sluice_flags INTERFACE)
add_library(sluice_warnings INTERFACE)
target_compile_options(sluice_flags INTERFACE -fno-omit-frame-pointer -fstack-protector-strong)
target_compile_options(sluice_warnings INTERFACE -Wall -Wextra -Wpedantic -Wshadow
  $<$<COMPILE_LANGUAGE:CXX>:-Wconversion -Wnon-virtual-dtor -Woverloaded-virtual> -Werror
  # libstdc++ 12's own std::stable_sort uses a deprecated function, for which clang blames the caller.
  $<$<COMPILE_LANG_AND_ID:CXX,Clang>:-Wno-deprecated-declarations>)
target_include_directories(sluice_flags INTERFACE ${PROJECT_SOURCE_DIR})
if(SLUICE_SANITIZE)
  target_compile_options(sluice_flags INTERFACE -fsanitize=${SLUICE_SANITIZE} -fno-sanitize-recover=all)
  target_link_options(sluice_flags INTERFACE -fsanitize=${SLUICE_SANITIZE})
endif()
if(SLUICE_THREAD_SAFETY)
  target_compile_options(sluice_warnings INTERFACE -Wthread-safety -Wthread-safety-beta)
endif()
if(SLUICE_COVERAGE)
  target_compile_options(sluice_flags INTERFACE --coverage)
  target_link_options(sluice_flags INTERFACE --coverage)
endif()
if(SLUICE_FUZZ)
  target_compile_options(sluice_flags INTERFACE -fsanitize=fuzzer-no-link,address,undefined)
  target_link_options(sluice_flags INTERFACE -fsanitize=address,undefined)
endif()
