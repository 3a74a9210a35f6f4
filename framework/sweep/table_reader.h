// Reads a table of a sweep key by key. Whoever asks for a key makes it known; finish() then finds
// the ones that nobody asked for, so there is no second list of keys to keep in step.
#pragma once

#include <string>
#include <vector>

#include "sweep/document.h"

namespace attnbench {

class TableReader {
 public:
  // `name` is how messages call the table: "[plot]". Borrows `node`. Throws SweepError if it is
  // none.
  TableReader(const Node& node, std::string name);

  const Member* find(const std::string& key);  // nullptr: not there
  std::string text_or(const std::string& key, const std::string& fallback);
  bool flag_or(const std::string& key, bool fallback);
  double number_or(const std::string& key, double fallback);  // finite
  int64_t integer_or(const std::string& key, int64_t fallback, int64_t least, int64_t most);
  std::string word_or_empty(const std::string& key, const std::vector<std::string>& words);
  std::vector<std::string> texts(const std::string& key);  // a text or a list of texts

  void finish() const;  // throws SweepError on an unknown key

 private:
  const Node& node_;
  std::string name_;
  std::vector<std::string> known_;
};

[[noreturn]] void fail_type(const Node& found, const std::string& key, const std::string& expected);
const Scalar& scalar_of(const Node& node, const std::string& key);
const std::string& text_of(const Node& node, const std::string& key);

}  // namespace attnbench
