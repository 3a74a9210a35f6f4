# ATTNBENCH_SANITIZE=address;undefined (or thread) instruments every target of this build tree. What a
# sanitizer finds ends the process: UBSan alone would print and go on, and the test would pass.
set(ATTNBENCH_SANITIZE "" CACHE STRING "Sanitizers for the whole tree: address;undefined or thread")
foreach(sanitizer IN LISTS ATTNBENCH_SANITIZE)
  add_compile_options(-fsanitize=${sanitizer})
  add_link_options(-fsanitize=${sanitizer})
endforeach()
if(ATTNBENCH_SANITIZE)
  add_compile_options(-fno-omit-frame-pointer -fno-sanitize-recover=all)
endif()
