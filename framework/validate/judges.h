// From facts to what they say against a provider. Each returns one line, or nothing.
#pragma once

#include <string>

#include "protocol/messages.h"

namespace attnbench {

std::string against_promises(const ContractReply& facts);  // the first that is not kept
// The first call that ended otherwise, or a promise. A status of no provider class counts nowhere
// but in against_classes, so that one sin has one name.
std::string against_success(const ContractReply& facts);      // all ATTN_OK
std::string against_invalid(const ContractReply& facts);      // all 2xxx
std::string against_unsupported(const ContractReply& facts);  // all 1xxx
std::string against_refusal(const ContractReply& facts);      // all 1xxx or 2xxx
std::string against_limits(const ContractReply& facts);       // all 1xxx to 4xxx
std::string against_overflow(const ContractReply& facts);     // all ATTN_OK, 1xxx or 4xxx
std::string against_starved(const ContractReply& facts);      // all ATTN_OK or 3xxx
std::string against_uncached(const ContractReply& facts);     // all ATTN_OK, 1007, 5xxx or 6xxx
// As above, calls alone: their group's promises belong to another check.
std::string against_invalid_calls(const ContractReply& facts);
std::string against_failed_calls(const ContractReply& facts);
std::string against_classes(const ContractReply& facts);  // statuses that a provider may return
std::string against_words(const ContractReply& facts);    // every refusal says why

}  // namespace attnbench
