# Warnings are errors, for our own targets only: link attnbench_warnings PRIVATE.
add_library(attnbench_warnings INTERFACE)
target_compile_options(attnbench_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Werror -Wshadow
  $<$<COMPILE_LANGUAGE:CXX>:-Wnon-virtual-dtor> $<$<COMPILE_LANGUAGE:CXX>:-Woverloaded-virtual>)
