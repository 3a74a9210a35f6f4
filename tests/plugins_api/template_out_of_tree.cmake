# Plays the stranger: installs the package into an empty prefix, builds providers/template against
# it with find_package, once more by hand with pkg-config, and runs both.
#   cmake -DSOURCE=... -DBUILD=... -DSCRATCH=... -DTRY=... -P template_out_of_tree.cmake
function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

file(REMOVE_RECURSE ${SCRATCH})
run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${SCRATCH}/prefix --component provider_api)
file(COPY ${SOURCE}/providers/template DESTINATION ${SCRATCH})
run(${CMAKE_COMMAND} -S ${SCRATCH}/template -B ${SCRATCH}/build -DCMAKE_C_FLAGS=-Wall\ -Werror
    -DCMAKE_PREFIX_PATH=${SCRATCH}/prefix)
run(${CMAKE_COMMAND} --build ${SCRATCH}/build)
set(built ${SCRATCH}/build/lib/attnbench/providers/template.provider.so)
run(${CMAKE_COMMAND} -E env TEMPLATE_PROVIDER=${built} ${TRY})

find_program(pkg_config pkg-config)
if(pkg_config)
  set(ENV{PKG_CONFIG_PATH} ${SCRATCH}/prefix/lib/pkgconfig)
  execute_process(COMMAND ${pkg_config} --cflags attnbench_provider
    OUTPUT_VARIABLE cflags OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(cflags)
  run(cc -std=c99 ${cflags} -shared -fPIC -fvisibility=hidden
      -o ${SCRATCH}/by_hand.provider.so ${SCRATCH}/template/template.c -lm)
  run(${CMAKE_COMMAND} -E env TEMPLATE_PROVIDER=${SCRATCH}/by_hand.provider.so ${TRY})
endif()
