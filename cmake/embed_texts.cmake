# attnbench_embed_texts(target symbol FILES a.cuh b.h ...): files as text in `target`, each with its
# path from providers/, for a compiler at run time:
#   extern const kernel_kit::TextFile <symbol>_texts[];  extern const size_t <symbol>_num_texts;
set(ATTNBENCH_EMBED_TEXTS_SCRIPT ${CMAKE_CURRENT_LIST_DIR}/embed_texts_script.cmake)

function(attnbench_embed_texts target symbol)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "FILES")
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${symbol}_texts.cpp)
  set(paths)
  foreach(file IN LISTS arg_FILES)
    get_filename_component(path ${file} ABSOLUTE)
    list(APPEND paths ${path})
  endforeach()
  string(JOIN "|" joined ${paths})
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} "-DFILES=${joined}" -DSYMBOL=${symbol} -DOUT=${out}
            -DROOT=${PROJECT_SOURCE_DIR}/providers -P ${ATTNBENCH_EMBED_TEXTS_SCRIPT}
    DEPENDS ${paths} ${ATTNBENCH_EMBED_TEXTS_SCRIPT} VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()
