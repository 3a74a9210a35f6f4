// Ctrl-C and SIGTERM: the first asks the run to stop, so that what is finished is kept; the second
// ends the program at once.
#pragma once

#include <atomic>

namespace attnbench {

// Installs the handlers; the flag becomes true with the first signal.
const std::atomic<bool>& stop_on_signals();

}  // namespace attnbench
