#include "cli/stop_flag.h"

#include <unistd.h>

#include <csignal>
#include <string_view>

#include "cli/arguments.h"

namespace attnbench {
namespace {

// A signal handler has no other way to hear of its surroundings: the one global of the program.
std::atomic<bool> is_stopping{false};
static_assert(std::atomic<bool>::is_always_lock_free, "a signal handler may not wait for a lock");

void on_signal(int) {
  if (is_stopping.exchange(true)) _exit(kExitStopped);
  constexpr std::string_view kText = "\nattnbench: stopping; press Ctrl-C again to force it\n";
  // Nothing can be done here if stderr is closed.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, kText.data(), kText.size());
}

}  // namespace

const std::atomic<bool>& stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  return is_stopping;
}

}  // namespace attnbench
