# attnbench_embed_ptx(target symbol SOURCE file.cu [INCLUDES folders...] [FLAGS ...] [ARCH compute_80])
#
# Compiles file.cu to PTX at build time and links it into `target` as text, which the driver compiles
# for whatever GPU it finds:  extern "C" const char symbol[];
# Where there is no nvcc the text is empty, and whoever wants to use it says so at run time: all else
# builds and works on a machine without a CUDA Toolkit.
find_program(ATTNBENCH_NVCC nvcc
  HINTS ${PROJECT_SOURCE_DIR}/.cuda/bin ENV CUDA_HOME /usr/local/cuda
  PATH_SUFFIXES bin
  DOC "CUDA's compiler; without it attnbench measures on CPUs only")
if(NOT ATTNBENCH_NVCC)
  message(STATUS "No nvcc: GPU kernels are left out, attnbench will measure on CPUs only")
endif()

set(ATTNBENCH_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/embed_text.cmake)

function(attnbench_embed_ptx target symbol)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "SOURCE;ARCH" "INCLUDES;FLAGS")
  if(NOT arg_ARCH)
    set(arg_ARCH compute_80)
  endif()
  set(ptx ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.ptx)
  set(text ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.cpp)
  if(ATTNBENCH_NVCC)
    list(TRANSFORM arg_INCLUDES PREPEND -I)
    add_custom_command(OUTPUT ${ptx}
      COMMAND ${ATTNBENCH_NVCC} -ptx -arch=${arg_ARCH} -std=c++20 -O3 --expt-relaxed-constexpr
              --Werror=all-warnings -MD -MF ${ptx}.d ${arg_INCLUDES} ${arg_FLAGS} -o ${ptx}
              ${CMAKE_CURRENT_SOURCE_DIR}/${arg_SOURCE}
      DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${arg_SOURCE}
      DEPFILE ${ptx}.d
      COMMENT "Compiling ${arg_SOURCE} to PTX" VERBATIM)
  else()
    file(CONFIGURE OUTPUT ${ptx} CONTENT "")
  endif()
  add_custom_command(OUTPUT ${text}
    COMMAND ${CMAKE_COMMAND} -DTEXT=${ptx} -DSYMBOL=${symbol} -DOUT=${text}
            -P ${ATTNBENCH_EMBED_SCRIPT}
    DEPENDS ${ptx} ${ATTNBENCH_EMBED_SCRIPT} VERBATIM)
  target_sources(${target} PRIVATE ${text})
endfunction()
