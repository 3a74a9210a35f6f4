// Is this build watched by ASan or TSan? Both reserve more memory than any limit allows and keep
// what was freed for a while, so that questions about memory have no answer.
#pragma once

namespace attnbench {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

}  // namespace attnbench
