#include "validate/checks.h"

#include "validate/judges.h"

namespace attnbench {
namespace {

constexpr Level kScan = Level::scan;
constexpr Level kContract = Level::contract;
constexpr Level kNumerics = Level::numerics;
constexpr Severity kMust = Severity::must;
constexpr Severity kShould = Severity::should;
constexpr Severity kPedantic = Severity::pedantic;

constexpr Check kChecks[] = {
    {"abi-elf", kScan, kMust, "is a whole ELF64 file for this machine", kFromScan},
    {"abi-load", kScan, kMust, "loads with all its dependencies", kFromScan},
    {"abi-entry", kScan, kMust, "exports attn_provider_entry_v1", kFromScan},
    {"abi-version", kScan, kMust, "serves an ABI minor of this attnbench", kFromScan},
    {"abi-table", kScan, kMust, "has a whole table with sound descriptors and options", kFromScan},
    {"abi-entry-stable", kScan, kMust, "returns one table, and NULL to hosts it cannot serve",
     "entry", against_promises},
    {"abi-table-sizes", kScan, kMust, "fills size and texts of table and descriptor", "table",
     against_promises},
    {"scan-loading", kScan, kShould, "loads in under 100 ms and starts no thread", "loading",
     against_promises},
    {"scan-files", kScan, kShould, "writes to no file while it is loaded and probed", "files",
     against_promises},
    {"scan-unload", kScan, kPedantic, "leaves memory when it is unloaded", "unloading",
     against_promises},
    {"scan-exports", kScan, kShould, "exports nothing but its entry", "exports", against_promises},
    {"scan-no-device", kScan, kMust, "answers probe where no device is", "no-devices",
     against_promises},
    {"meta-values", kScan, kShould, "declares known values, each once, with docs and version",
     "values", against_promises},
    {"meta-extensions", kScan, kMust, "has NULL for an extension that it does not know",
     "extensions", against_promises},
    {"meta-unknown-id", kScan, kMust, "knows its own id from a similar one", "unknown-ids",
     against_invalid},

    {kFirstOfContract, kContract, kMust, "creates, plans and executes one small forward pass",
     "one-pass", against_success},
    {"abi-older-caller", kContract, kMust, "refuses structs shorter than in 1.0", "short-structs",
     against_invalid},
    {"abi-newer-caller", kContract, kMust, "takes longer structs that end in zeros", "zero-tails",
     against_success},
    {"abi-unknown-field", kContract, kMust, "refuses a field that it does not know",
     "unknown-tails", against_unsupported},
    {"abi-unknown-meaning", kContract, kMust, "refuses numbers and bits that it does not know",
     "unknown-meanings", against_unsupported},
    {"err-null-args", kContract, kMust, "refuses each NULL with 2xxx", "null", against_invalid},
    {"err-unknown-id", kContract, kMust, "creates no instance of an id that is not its own",
     "unknown-instances", against_invalid},
    {"err-null-answer", kContract, kMust, "leaves NULL in the answer of a failed call",
     "failed-answers", against_promises},
    {"err-error-buffer", kContract, kMust, "fits its words into any error record", "error-buffers",
     against_promises},
    {"err-odd-problems", kContract, kMust, "refuses problems that contradict themselves",
     "odd-problems", against_refusal},
    {"err-huge-problems", kContract, kMust, "refuses sizes whose products overflow",
     "huge-problems", against_limits},
    {"err-options", kContract, kMust, "refuses unknown options, wrong types and values with 2xxx",
     "wrong-options", against_invalid_calls},
    {"err-option-named", kContract, kMust, "names the option that it refuses", "wrong-options",
     against_promises},
    {"err-bindings", kContract, kMust, "refuses bindings that differ from their specs",
     "wrong-bindings", against_invalid},
    {"err-workspace", kContract, kMust, "refuses a workspace that does not do", "wrong-workspace",
     against_invalid},
    {"err-then-ok", kContract, kMust, "is right again after an error", "after-errors",
     against_promises},
    {"err-oom", kContract, kShould, "succeeds or returns 3xxx without memory, and recovers",
     "no-memory", against_starved},
    {"err-compile", kContract, kShould, "works or says why when its cache is damaged or full",
     kFromBadCaches, against_uncached},
    {"life-plan-info", kContract, kMust, "says the same of a plan each time", "plan-info",
     against_promises},
    {"life-resolved-options", kContract, kMust, "takes the options that plan_info gave",
     "resolved-options", against_success},
    {"life-destroy-null", kContract, kMust, "destroys NULL without harm", "destroy-null",
     against_promises},
    {"life-many-plans", kContract, kShould, "leaves nothing behind after 50 plans and instances",
     "many-times", against_promises},
    {"life-two-instances", kContract, kShould, "can be there twice", "two-instances",
     against_promises},
    {"life-supports", kContract, kShould, "answers supports quickly, and keeps to the answer",
     "supports-and-plans", against_promises},
    {"exec-what-is-planned", kContract, kMust, "executes what plan_create accepted",
     "supports-and-plans", against_failed_calls},
    {"exec-strides", kContract, kMust, "honours strides wider than the shape, or refuses them",
     "wider-strides", against_promises},
    {"exec-byte-offset", kContract, kMust, "honours byte_offset", "byte-offset", against_promises},
    {"exec-thread", kContract, kMust, "may be called from any thread", "another-thread",
     against_success},
    {"gpu-no-context", kContract, kShould, "makes no context when it is loaded and probed",
     "context-of-probe", against_promises},
    {"gpu-stream", kContract, kMust, "works on the stream that it is given", "behind-other-work",
     against_promises},
    {"gpu-returns", kContract, kShould, "returns from execute without waiting for the GPU",
     "return", against_promises},
    {"gpu-default-stream", kContract, kShould, "leaves the legacy default stream alone",
     "default-stream", against_promises},
    {"gpu-allocation", kContract, kShould, "neither takes device memory nor waits in execute",
     "allocation", against_promises},
    {"gpu-graph", kContract, kMust, "can be captured and replayed where its plan says so",
     "capture", against_promises},
    {"gpu-context", kContract, kMust, "leaves the context current after each call", "context",
     against_promises},
    {"gpu-leak", kContract, kMust, "gives all device memory back, 100 times", "device-memory",
     against_promises},
    {"gpu-shared-memory", kContract, kMust, "runs its largest tiles, or says that they are too big",
     "largest-tiles", against_overflow},
    {"manners-process", kContract, kMust,
     "leaves environment, locale, directory and signal handlers alone", "manners",
     against_promises},
    {"manners-silent", kContract, kShould, "prints nothing", kFromAllCalls, against_promises},
    {"err-status-class", kContract, kMust, "returns statuses of the classes 1 to 8 only",
     kFromAllCalls, against_classes},
    {"err-message", kContract, kShould, "says why with every refusal", kFromAllCalls,
     against_words},

    {kFirstOfNumerics, kNumerics, kMust, "is right in the plainest forward pass", ""},
    {"num-bounds", kNumerics, kMust, "writes nowhere but into outputs and workspace", ""},
    {"num-inputs", kNumerics, kMust, "leaves its inputs as they are", ""},
    {"num-late-write", kNumerics, kMust, "is done when the pass is done", ""},
    {"num-deterministic", kNumerics, kMust, "repeats itself, bit by bit where its plan says so",
     "twice", against_promises},
    {"num-large-logits", kNumerics, kMust, "is right where few keys take all the weight", ""},
    {"num-tiny-values", kNumerics, kMust, "is right where all keys weigh nearly the same", ""},
    {"num-equal-values", kNumerics, kMust, "is right where all of Q and K is one number", ""},
    {"num-one-hot", kNumerics, kMust, "is right where rows of Q and K are 0 but for one number",
     ""},
    {"num-odd-lengths", kNumerics, kMust, "is right at lengths that fit no tile", ""},
    {"num-unequal-lengths", kNumerics, kMust, "is right with more queries than keys, or fewer", ""},
    {"num-head-dims", kNumerics, kMust, "is right at every head_dim that it takes", ""},
    {"num-scale", kNumerics, kMust, "uses the scale that it is given", ""},
    {"num-layout", kNumerics, kMust, "reads bhsd by its strides", ""},
    {"num-gqa", kNumerics, kMust, "maps query heads to their key heads", ""},
    {"num-causal-top-left", kNumerics, kMust, "masks from the top left", ""},
    {"num-causal-bottom-right", kNumerics, kMust, "masks from the bottom right", ""},
    {"num-masked-rows", kNumerics, kMust, "gives O = 0 and LSE = -inf where no key is seen", ""},
    {"num-bias", kNumerics, kMust, "adds a bias of every broadcast shape", ""},
    {"num-bias-masked", kNumerics, kMust, "takes -inf in a bias, also for whole rows", ""},
    {"num-backward", kNumerics, kMust, "has right gradients for all of the above", ""},
    {"num-finite-differences", kNumerics, kMust, "has gradients that are the slopes of the forward",
     kFromSlopes},
};

}  // namespace

std::span<const Check> all_checks() {
  return kChecks;
}

std::string_view failed_scan_check(LibraryState state) {
  switch (state) {
    case LibraryState::ok:
    case LibraryState::shadowed:
      return "";
    case LibraryState::not_elf:
    case LibraryState::truncated:
    case LibraryState::wrong_architecture:
      return "abi-elf";
    case LibraryState::missing_dependency:
    case LibraryState::load_failed:
    case LibraryState::crashed:
    case LibraryState::hung:
      return kFirstOfScan;
    case LibraryState::missing_entry:
      return "abi-entry";
    case LibraryState::abi_too_old:
    case LibraryState::abi_too_new:
      return "abi-version";
    case LibraryState::bad_table:
      return "abi-table";
  }
  return kFirstOfScan;
}

bool is_failure(const CheckOutcome& outcome) {
  return outcome.result == CheckResult::fail || outcome.result == CheckResult::crash ||
         outcome.result == CheckResult::timeout;
}

}  // namespace attnbench
