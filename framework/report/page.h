// index.html: a run in one file that works from a disk without a network. The page itself lives in
// page/ as HTML, CSS and JavaScript and is embedded at build time, with the chart library d3.
//
// Lesson: a provider chooses its own names and messages. Here they travel as compressed data only;
// the script writes them with textContent, and a Content-Security-Policy that names the hash of
// every script lets no other run, nor anything be loaded.
#pragma once

#include <string>
#include <string_view>

#include "report/page_data.h"

namespace attnbench {

std::string page_html(std::string_view title, const PageData& data);

}  // namespace attnbench
