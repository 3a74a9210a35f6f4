// Catch2 v2's main, compiled once for all test executables (v3 brings its own).
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
