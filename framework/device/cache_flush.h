// Cold caches on a CPU. Writing twice the cache's size, as on a GPU, is slow where a server shows a
// virtual machine 260 MB of it, and leaves other cores' private caches alone. So the tensors' own
// lines are flushed by address, which empties them out of every level of every core.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace attnbench {

#if defined(__x86_64__)
inline constexpr std::string_view kCacheFlushMethod = "clflush";
#else
inline constexpr std::string_view kCacheFlushMethod = "sweep";  // by writing 64 MB
#endif

void flush_cache_lines(std::span<const std::byte> memory);

}  // namespace attnbench
