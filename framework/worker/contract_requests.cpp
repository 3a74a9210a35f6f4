// Facts about supports, plan_create and create when asked what no run asks.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "worker/contract_groups.h"

namespace attnbench {
namespace {

constexpr int64_t kHuge = int64_t{1} << 40;

// Puts one question to supports and to plan_create; a plan that comes of it is destroyed.
void ask_both(ContractStage& stage, const std::string& about, const attn_plan_args& args) {
  attn_instance* instance = stage.instance();
  stage.ask("supports with " + about, Phase::supports,
            [&](attn_error* error) { return stage.api().supports(instance, &args, error); });
  attn_plan* plan = nullptr;
  stage.ask("plan_create with " + about, Phase::plan_create, [&](attn_error* error) {
    return stage.api().plan_create(instance, &args, &plan, error);
  });
  if (plan != nullptr) stage.destroy(plan);
}

template <typename Bend>
void ask_bent(ContractStage& stage, const std::string& about, Bend bend) {
  Question question(stage.plan_args());
  bend(question);
  ask_both(stage, about, question.args());
}

// A struct with bytes behind the fields that today's header knows.
template <typename T>
struct Longer {
  T value{};
  std::array<unsigned char, 16> tail{};

  Longer(const T& from, uint32_t known_bytes, unsigned char last) {
    std::memcpy(&value, &from, known_bytes);
    value.struct_size = static_cast<uint32_t>(sizeof(T) + tail.size());
    tail.back() = last;
  }
};

// All requests of a plan, each with a tail whose last byte is `last` in the one named.
void ask_with_tails(ContractStage& stage, const std::string& about, std::string_view where,
                    unsigned char last) {
  const auto last_in = [&](std::string_view name) {
    return static_cast<unsigned char>(name == where ? last : 0);
  };
  Question question(stage.plan_args());
  Longer<attn_plan_args> args(question.args(), ATTN_SIZE_TO(attn_plan_args, options),
                              last_in("attn_plan_args"));
  Longer<attn_problem> problem(question.problem, ATTN_SIZE_TO(attn_problem, window_right),
                               last_in("attn_problem"));
  std::deque<Longer<attn_tensor_spec>> specs;
  std::vector<const attn_tensor_spec*> pointers;
  for (const Question::Spec& spec : question.specs) {
    const bool is_first = specs.empty();
    specs.emplace_back(spec.abi, ATTN_SIZE_TO(attn_tensor_spec, access),
                       is_first ? last_in("attn_tensor_spec") : 0);
    pointers.push_back(&specs.back().value);
  }
  args.value.problem = &problem.value;
  args.value.specs = pointers.data();
  ask_both(stage, about, args.value);
}

void create_with(ContractStage& stage, const std::string& about, const attn_create_args* args) {
  attn_instance* made = nullptr;
  stage.ask("create with " + about, Phase::create,
            [&](attn_error* error) { return stage.api().create(args, &made, error); });
  if (made != nullptr) stage.destroy(made);
}

}  // namespace

void ask_with_null(ContractStage& stage) {
  const attn_provider_api& api = stage.api();
  const attn_create_args sound = stage.create_args();
  int32_t score = 0;
  const auto probe_with = [&](const char* about, const char* id, const attn_device* device,
                              int32_t* out) {
    stage.ask(about, Phase::probe,
              [&](attn_error* error) { return api.probe(id, device, out, error); });
  };
  probe_with("probe with provider_id NULL", nullptr, sound.device, &score);
  probe_with("probe with device NULL", sound.provider_id, nullptr, &score);
  probe_with("probe with score NULL", sound.provider_id, sound.device, nullptr);

  create_with(stage, "args NULL", nullptr);
  attn_create_args bent = sound;
  bent.host = nullptr;
  create_with(stage, "host NULL", &bent);
  bent = sound;
  bent.provider_id = nullptr;
  create_with(stage, "provider_id NULL", &bent);
  bent = sound;
  bent.device = nullptr;
  create_with(stage, "device NULL", &bent);
  stage.ask("create with instance NULL", Phase::create,
            [&](attn_error* error) { return api.create(&sound, nullptr, error); });

  attn_instance* instance = stage.instance();
  const attn_plan_args& args = stage.plan_args();
  stage.ask("supports with args NULL", Phase::supports,
            [&](attn_error* error) { return api.supports(instance, nullptr, error); });
  stage.ask("supports with instance NULL", Phase::supports,
            [&](attn_error* error) { return api.supports(nullptr, &args, error); });
  attn_plan* plan = nullptr;
  stage.ask("plan_create with args NULL", Phase::plan_create,
            [&](attn_error* error) { return api.plan_create(instance, nullptr, &plan, error); });
  stage.ask("plan_create with instance NULL", Phase::plan_create,
            [&](attn_error* error) { return api.plan_create(nullptr, &args, &plan, error); });
  stage.ask("plan_create with plan NULL", Phase::plan_create,
            [&](attn_error* error) { return api.plan_create(instance, &args, nullptr, error); });
  attn_plan_args holed = args;
  holed.problem = nullptr;
  ask_both(stage, "problem NULL", holed);
  holed = args;
  holed.specs = nullptr;
  ask_both(stage, "specs NULL", holed);
  std::vector<const attn_tensor_spec*> specs(args.specs, args.specs + args.num_specs);
  specs.back() = nullptr;
  holed = args;
  holed.specs = specs.data();
  ask_both(stage, "one spec NULL", holed);
  holed = args;
  holed.num_options = 1;
  ask_both(stage, "options NULL", holed);

  stage.ask("plan_info with plan NULL", Phase::plan_create, [&](attn_error* error) {
    attn_plan_info info{};
    info.struct_size = ATTN_SIZE_TO(attn_plan_info, kernels);
    return api.plan_info(nullptr, &info, error);
  });
  attn_plan* sound_plan = stage.plan();
  stage.ask("plan_info with info NULL", Phase::plan_create,
            [&](attn_error* error) { return api.plan_info(sound_plan, nullptr, error); });
  const attn_execute_args pass = stage.execute_args();
  stage.ask("execute with plan NULL", Phase::execute,
            [&](attn_error* error) { return api.execute(nullptr, &pass, error); });
  stage.ask("execute with args NULL", Phase::execute,
            [&](attn_error* error) { return api.execute(sound_plan, nullptr, error); });
}

void ask_to_create_unknown(ContractStage& stage) {
  const std::string with_tail = std::string(stage.desc().id) + "x";
  for (const std::string& id : {with_tail, std::string("no_such_provider"), std::string()}) {
    attn_create_args args = stage.create_args();
    args.provider_id = id.c_str();
    create_with(stage, fmt::format("provider_id \"{}\"", id), &args);
  }
}

void ask_with_short_structs(ContractStage& stage) {
  attn_create_args create = stage.create_args();
  create.struct_size = ATTN_SIZE_TO(attn_create_args, provider_id);
  create_with(stage, "attn_create_args shorter than in 1.0", &create);
  attn_plan_args args = stage.plan_args();
  args.struct_size = ATTN_SIZE_TO(attn_plan_args, specs);
  ask_both(stage, "attn_plan_args shorter than in 1.0", args);
  ask_bent(stage, "attn_problem shorter than in 1.0",
           [](Question& question) { question.problem.struct_size -= 8; });
  ask_bent(stage, "attn_tensor_spec shorter than in 1.0",
           [](Question& question) { question.specs.front().abi.struct_size -= 4; });
  stage.ask("plan_info with attn_plan_info shorter than in 1.0", Phase::plan_create,
            [&](attn_error* error) {
              attn_plan_info info{};
              info.struct_size = ATTN_SIZE_TO(attn_plan_info, options);
              return stage.api().plan_info(stage.plan(), &info, error);
            });
}

void ask_with_zero_tails(ContractStage& stage) {
  ask_with_tails(stage, "longer structs that end in zeros", "", 0);
  const Longer<attn_create_args> args(stage.create_args(), ATTN_SIZE_TO(attn_create_args, device),
                                      0);
  create_with(stage, "a longer attn_create_args that ends in zeros", &args.value);
}

void ask_with_unknown_tails(ContractStage& stage) {
  for (const char* name : {"attn_plan_args", "attn_problem", "attn_tensor_spec"}) {
    ask_with_tails(stage, fmt::format("an unknown field set behind {}", name), name, 1);
  }
  const Longer<attn_create_args> args(stage.create_args(), ATTN_SIZE_TO(attn_create_args, device),
                                      1);
  create_with(stage, "an unknown field set behind attn_create_args", &args.value);
}

void ask_for_unknown_meanings(ContractStage& stage) {
  ask_bent(stage, "an unknown feature bit",
           [](Question& question) { question.problem.features |= UINT64_C(1) << 40; });
  ask_bent(stage, "an unknown op", [](Question& question) { question.problem.op = 1u << 9; });
  ask_bent(stage, "two ops at once",
           [](Question& question) { question.problem.op = ATTN_OP_FWD | ATTN_OP_BWD; });
  ask_bent(stage, "an unknown mask", [](Question& question) { question.problem.mask = 77; });
  ask_bent(stage, "attn_problem.reserved set",
           [](Question& question) { question.problem.reserved = 1; });
  attn_plan_args args = stage.plan_args();
  args.reserved = 1;
  ask_both(stage, "attn_plan_args.reserved set", args);
  ask_bent(stage, "a dtype of 4 bits", [](Question& question) {
    for (Question::Spec& spec : question.specs) spec.abi.dtype.bits = 4;
  });
  ask_bent(stage, "a dtype of two lanes", [](Question& question) {
    for (Question::Spec& spec : question.specs) spec.abi.dtype.lanes = 2;
  });
}

void ask_for_odd_problems(ContractStage& stage) {
  ask_bent(stage, "batch 0", [](Question& question) { question.problem.batch = 0; });
  ask_bent(stage, "seqlen_q -1", [](Question& question) { question.problem.seqlen_q = -1; });
  ask_bent(stage, "head_dim 0 everywhere", [](Question& question) {
    question.problem.head_dim_qk = question.problem.head_dim_v = 0;
    question.reshape();
  });
  ask_bent(stage, "heads_kv that does not divide heads_q", [](Question& question) {
    question.problem.heads_kv = question.problem.heads_q + 1;
    question.problem.features |= ATTN_FEATURE_GQA;
    question.reshape();
  });
  ask_bent(stage, "Q of another shape than the problem says",
           [](Question& question) { question.spec(ATTN_ROLE_Q).shape[1] += 1; });
  ask_bent(stage, "K of rank 3", [](Question& question) {
    Question::Spec& spec = question.spec(ATTN_ROLE_K);
    spec.abi.ndim = 3;
  });
  ask_bent(stage, "a negative stride",
           [](Question& question) { question.spec(ATTN_ROLE_V).strides[1] *= -1; });
  ask_bent(stage, "K of another dtype than Q", [](Question& question) {
    attn_dtype& dtype = question.spec(ATTN_ROLE_K).abi.dtype;
    dtype = dtype.bits == 32 ? attn_dtype{ATTN_DTYPE_FLOAT, 16, 1}
                             : attn_dtype{ATTN_DTYPE_FLOAT, 32, 1};
  });
  ask_bent(stage, "no V", [](Question& question) {
    std::erase_if(question.specs,
                  [](const Question::Spec& spec) { return spec.abi.role == ATTN_ROLE_V; });
  });
  ask_bent(stage, "Q twice",
           [](Question& question) { question.specs.push_back(question.spec(ATTN_ROLE_Q)); });
  ask_bent(stage, "a tensor that forward does not call for", [](Question& question) {
    Question::Spec extra = question.spec(ATTN_ROLE_Q);
    extra.abi.role = ATTN_ROLE_DQ;
    question.specs.push_back(extra);
  });
  ask_bent(stage, "an alignment of 3 bytes",
           [](Question& question) { question.specs.front().abi.alignment = 3; });
}

void ask_for_huge_problems(ContractStage& stage) {
  Question question(stage.plan_args());
  question.problem.seqlen_q = question.problem.seqlen_kv = kHuge;
  question.problem.batch = kHuge;
  question.reshape();
  attn_plan* plan = nullptr;
  stage.ask("plan_create with 2^80 positions", Phase::plan_create, [&](attn_error* error) {
    return stage.api().plan_create(stage.instance(), &question.args(), &plan, error);
  });
  if (plan != nullptr) stage.destroy(plan);
}

void ask_for_wrong_options(ContractStage& stage) {
  const auto ask_with_option = [&](const std::string& about, const std::string& name, int32_t type,
                                   int64_t integer, double number, const char* text) {
    const size_t first = stage.facts().calls.size();
    ask_bent(stage, about,
             [&](Question& question) { question.add_option(name, type, integer, number, text); });
    for (size_t i = first; i < stage.facts().calls.size(); ++i) {
      const CallFact call = stage.facts().calls[i];
      stage.note(fmt::format("the refusal of {} names it", call.what),
                 call.status == ATTN_OK || call.message.find(name) != std::string::npos);
    }
  };
  ask_with_option("the unknown option \"no_such_option\"", "no_such_option", ATTN_INT, 1, 0,
                  nullptr);
  const attn_provider_desc& desc = stage.desc();
  for (uint32_t i = 0; i < desc.num_options; ++i) {
    const attn_option_desc& option = *desc.options[i];
    const std::string name = option.name;
    if (option.type == ATTN_STRING) {
      ask_with_option(name + " as an int", name, ATTN_INT, 1, 0, nullptr);
      if (option.num_choices == 0) continue;
      ask_with_option(name + " of a value that is no choice", name, ATTN_STRING, 0, 0,
                      "no such choice");
      continue;
    }
    ask_with_option(name + " as a text", name, ATTN_STRING, 0, 0, "text");
    if (option.type == ATTN_FLOAT) {
      ask_with_option(name + " beyond its range", name, ATTN_FLOAT, 0, option.float_max * 2 + 1,
                      nullptr);
      continue;
    }
    int64_t beyond = option.int_max;
    for (uint32_t j = 0; j < option.num_choices; ++j) {
      beyond = std::max(beyond, option.int_choices[j]);
    }
    if (beyond == INT64_MAX) continue;
    ask_with_option(name + " beyond its largest value", name, ATTN_INT, beyond + 1, 0, nullptr);
  }
  if (desc.num_options == 0) return;
  const attn_option_desc& first = *desc.options[0];
  ask_bent(stage, fmt::format("{} given twice", first.name), [&](Question& question) {
    for (int i = 0; i < 2; ++i) {
      question.add_option(first.name, first.type, first.int_default, first.float_default,
                          first.string_default);
    }
  });
}

}  // namespace attnbench
