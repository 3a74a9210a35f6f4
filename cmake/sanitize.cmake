# ATTNBENCH_SANITIZE=address;undefined (or thread) instruments every target of this build tree.
set(ATTNBENCH_SANITIZE "" CACHE STRING "Sanitizers for the whole tree: address;undefined or thread")
foreach(sanitizer IN LISTS ATTNBENCH_SANITIZE)
  add_compile_options(-fsanitize=${sanitizer} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${sanitizer})
endforeach()
