// `attnbench help`: the pages of help/, embedded at build.
#include <iostream>

#include "base/text.h"
#include "cli/help_pages.h"
#include "cli/verbs.h"

namespace attnbench {

int verb_help(const HelpArguments& arguments) {
  const std::string topic = arguments.topic.empty() ? "attnbench" : arguments.topic;
  std::vector<std::string> topics;
  for (const HelpPage& page : help_pages()) {
    if (page.topic == topic) {
      std::cout << page.text;
      return kExitOk;
    }
    topics.emplace_back(page.topic);
  }
  throw UsageError("help: no page on \"" + topic + "\"", suggest(topic, topics));
}

}  // namespace attnbench
