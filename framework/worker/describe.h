// What a provider library says of itself, without an instance: a row for each provider in it, or
// one row that says why the file is none.
#pragma once

#include "protocol/messages.h"
#include "worker/channel.h"

namespace attnbench {

DescribeReply describe_library(const DescribeRequest& request, Channel& channel);

}  // namespace attnbench
