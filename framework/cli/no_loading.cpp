// The host loads nothing: SQLite, linked statically, could (its extensions), so the linker is told
// to give it this function instead of dlopen (-Wl,--wrap=dlopen). SQLite then says that it cannot.
// NOLINTBEGIN(bugprone-reserved-identifier): the linker makes up the name.
extern "C" __attribute__((visibility("hidden"))) void* __wrap_dlopen(const char* /*file*/,
                                                                     int /*mode*/) {
  return nullptr;
}
// NOLINTEND(bugprone-reserved-identifier)
