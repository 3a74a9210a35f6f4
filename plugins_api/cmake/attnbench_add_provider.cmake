# attnbench_add_provider(name [NO_INSTALL] sources...): <name>.provider.so, a library that exports
# the one symbol of the contract and hides all else, so that two providers in one process never
# mix. The rest (libraries, warnings) is up to the caller: target_link_libraries(<name> PRIVATE x).
# This file serves our own tree and, installed, everybody else's.
set(ATTNBENCH_PROVIDER_MAP ${CMAKE_CURRENT_LIST_DIR}/provider.map)

function(attnbench_add_provider name)
  cmake_parse_arguments(PARSE_ARGV 1 arg NO_INSTALL "" "")
  add_library(${name} MODULE ${arg_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE attnbench::provider_api)
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  foreach(language IN ITEMS C CXX)
    if(language IN_LIST languages)
      set_target_properties(${name} PROPERTIES ${language}_VISIBILITY_PRESET hidden)
    endif()
  endforeach()
  if(CXX IN_LIST languages)
    target_compile_features(${name} PRIVATE cxx_std_20)
  endif()
  set_target_properties(${name} PROPERTIES
    PREFIX "" SUFFIX .provider.so
    VISIBILITY_INLINES_HIDDEN ON
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/lib/attnbench/providers
    INSTALL_RPATH $ORIGIN
    BUILD_WITH_INSTALL_RPATH ON  # else CMake leaves an empty path, which means "here"
    LINK_DEPENDS ${ATTNBENCH_PROVIDER_MAP})
  # A unique symbol would keep the library mapped after dlclose; only gcc makes them.
  target_compile_options(${name} PRIVATE
    $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-gnu-unique>)
  target_link_options(${name} PRIVATE
    -Wl,--version-script=${ATTNBENCH_PROVIDER_MAP} -Wl,--exclude-libs,ALL)
  # Sanitizers leave their run-time to the executable: it cannot be linked in here.
  if(NOT ATTNBENCH_SANITIZE)
    target_link_options(${name} PRIVATE -Wl,-z,defs)
  endif()
  if(NOT arg_NO_INSTALL)
    install(TARGETS ${name} LIBRARY DESTINATION lib/attnbench/providers COMPONENT providers)
  endif()
endfunction()
