// Small helpers on text that the standard library lacks.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace attnbench {

std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trim(std::string_view text);
bool is_valid_utf8(std::string_view text);

// The candidate that `word` was probably meant to be (edit distance at most a third of its length,
// at least 1), or nothing.
std::optional<std::string> closest_match(std::string_view word,
                                         const std::vector<std::string>& candidates);

// `did you mean "bf16"?` when one is close, else `valid ones: a, b, c` (the hint of a wrong name).
std::string suggest(std::string_view word, const std::vector<std::string>& candidates);

// 1536 -> "1.5 KiB"; for messages and tables, never parsed again.
std::string human_bytes(unsigned long long bytes);
// 93.4 -> "1 min 33 s".
std::string human_seconds(double seconds);

}  // namespace attnbench
