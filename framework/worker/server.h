// The request loop: reads a request, has the session do it, sends the one reply.
#pragma once

#include "worker/channel.h"
#include "worker/session.h"

namespace attnbench {

// Returns after bye, or when the host has closed its end. Throws ProtocolError on a request that
// is none.
void serve(Channel& channel, Session& session);

}  // namespace attnbench
