# SPDX-License-Identifier: Apache-2.0
# sluice_bpf(NAME lb_tc): bpf/lb_tc.bpf.c -> lb_tc.bpf.o -> lb_tc.skel.h, offered by the interface library
# sluice_bpf_lb_tc. clang's depfile makes each shared header a dependency of the object, so that a header change
# rebuilds object and skeleton.
find_program(BPF_CLANG NAMES clang-19 REQUIRED)
find_program(BPF_STRIP NAMES llvm-strip-19 REQUIRED)
find_program(BPFTOOL NAMES bpftool PATHS /usr/sbin /sbin REQUIRED)

function(sluice_bpf)
  cmake_parse_arguments(ARG "" "NAME" "" ${ARGN})
  set(source ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_NAME}.bpf.c)
  set(dir ${PROJECT_BINARY_DIR}/bpf)
  set(object ${dir}/${ARG_NAME}.bpf.o)
  set(skeleton ${dir}/${ARG_NAME}.skel.h)
  file(MAKE_DIRECTORY ${dir})
  add_custom_command(OUTPUT ${object}
    COMMAND ${BPF_CLANG} -target bpf -mcpu=v3 -O2 -g -Wall -Wextra -Werror -Wno-unused-parameter
            -Wno-address-of-packed-member
            -D__TARGET_ARCH_x86 -I${PROJECT_SOURCE_DIR} -isystem /usr/include/${CMAKE_LIBRARY_ARCHITECTURE}
            -MD -MF ${object}.d -MT ${object} -c ${source} -o ${object}
    COMMAND ${BPF_STRIP} -g ${object}
    DEPENDS ${source} DEPFILE ${object}.d COMMENT "BPF ${ARG_NAME}" VERBATIM)
  add_custom_command(OUTPUT ${skeleton}
    COMMAND ${BPFTOOL} gen skeleton ${object} name ${ARG_NAME} > ${skeleton}.tmp
    COMMAND ${CMAKE_COMMAND} -E rename ${skeleton}.tmp ${skeleton}
    DEPENDS ${object} COMMENT "skeleton ${ARG_NAME}" VERBATIM)
  add_custom_target(bpf_${ARG_NAME} DEPENDS ${skeleton})
  add_library(sluice_bpf_${ARG_NAME} INTERFACE)
  add_dependencies(sluice_bpf_${ARG_NAME} bpf_${ARG_NAME})
  target_include_directories(sluice_bpf_${ARG_NAME} SYSTEM INTERFACE ${dir})
endfunction()
