// Pieces of one plan, measured apart, as one run.
//
// Lesson: what was not measured in turns must not look as if it had been. Trials of a case that
// come from two pieces are marked as not interleaved, and each piece's own account stays in
// run.json.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "store/conditions.h"
#include "store/record_set.h"

namespace attnbench {

// Documents are text here: headers do not know the JSON library.
struct RunPiece {
  std::string name;  // its directory, for messages
  std::string run_json;
  RecordSet records;
};

struct MergedRun {
  std::string run_json;  // of the whole; the sweep is the first piece's
  std::vector<Record> records;
  std::vector<std::string> notes;  // what a reader of the whole should know
};

// Throws Error that names the first two pieces that do not fit together, and what to do: another
// device model, another way of measuring, another regime. That their plans agree is the caller's to
// see: it can read sweeps.
MergedRun merge_pieces(std::vector<RunPiece> pieces);

}  // namespace attnbench
