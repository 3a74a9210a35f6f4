# ATTNBENCH_PACKAGE builds what scripts/package packs: it runs on another Linux where nothing of ours is
# installed. Boost, fmt and libsodium go into the executables, and so does the C++ library. Debian has
# Highway as a shared library only, so that one goes along, found by $ORIGIN. Providers use the
# system's C++ library: they share their process with NVIDIA's libraries, which bring it in anyway.
option(ATTNBENCH_PACKAGE "Build for a relocatable package" OFF)

if(ATTNBENCH_PACKAGE)
  set(Boost_USE_STATIC_LIBS ON)
  set(ATTNBENCH_FMT fmt::fmt-header-only)  # Debian has no static libfmt
  find_library(ATTNBENCH_HWY_FILE hwy REQUIRED)
  file(READ_SYMLINK ${ATTNBENCH_HWY_FILE} hwy_soname)
  file(REAL_PATH ${ATTNBENCH_HWY_FILE} hwy_file)
  install(FILES ${hwy_file} DESTINATION lib/attnbench RENAME ${hwy_soname})
else()
  set(ATTNBENCH_FMT fmt::fmt)
endif()

# Executables that bring all but glibc and Highway with them.
function(attnbench_portable target)
  if(ATTNBENCH_PACKAGE)
    target_link_options(${target} PRIVATE -static-libgcc -static-libstdc++)
    set_target_properties(${target} PROPERTIES INSTALL_RPATH "$ORIGIN/../lib/attnbench")
  endif()
endfunction()
