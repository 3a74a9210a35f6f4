// attnbench-worker: loads one provider for one device and serves the host on descriptor 3. Start
// reading in server.cpp.
#include <sys/prctl.h>
#include <unistd.h>
#include <csignal>

#include "worker/server.h"

namespace {
constexpr int kExitProtocol = 3;  // the log has no word of ours: the host knows what it sent
}

int main() {
  // A worker without a host is of no use to anybody. A host that died before this line is noticed
  // by the end of file on the control descriptor.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
  attnbench::Channel channel(attnbench::kControlDescriptor);
  attnbench::Session session(channel);
  try {
    attnbench::serve(channel, session);
  } catch (const attnbench::ProtocolError&) {
    _exit(kExitProtocol);
  }
  // No destructors, no dlclose: a provider's exit handlers must not decide how this process ends.
  _exit(0);
}
