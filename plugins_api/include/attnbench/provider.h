/* attnbench/provider.h: the contract between attnbench and a provider of attention kernels. ABI 1.0
 *
 * The promise. A provider is a shared library that computes attention. It exports one function that
 * returns one table; all else hangs on that table. What is built against this header keeps loading
 * in every attnbench that knows major version 1: structs grow only at their end, numbers keep their
 * meaning, and a request not fully understood is refused, never half obeyed. attnbench owns the
 * tensors, workspace and stream; a provider owns its instances and plans. Not being able to do
 * something is an answer, not an error. `attnbench validate` tests every promise on this page.
 *
 * A provider's life: attn_provider_entry_v1, probe, create; for each trial supports, plan_create,
 * plan_info, execute many times, plan_destroy; at last destroy. Everything happens in a worker
 * process of attnbench that loads one provider for one device; the file is called
 * <something>.provider.so and lies in a directory on attnbench's provider path.
 *
 * This page is long because it is the whole contract in one file, free to be copied.
 * Where to begin: providers/template is the smallest whole provider in C. In C++20 provider.hpp
 * does the checking that the rules below ask for, and leaves the mathematics to you.
 *
 * Rules that hold everywhere
 *  1 Sizes. A struct that may grow begins with struct_size = ATTN_SIZE_TO(type, last field), set by
 *    its maker. No hidden padding; `reserved` stays 0; 0 in an added field means "as before".
 *    Requests (problem, spec, option, binding, *_args): shorter than in 1.0, ATTN_INVALID_ARGUMENT;
 *      a non-zero byte behind the fields you know, or in `reserved`, ATTN_UNSUPPORTED_FEATURE
 *      (attn_tail_is_zero). Zeros behind them change nothing.
 *    Facts (host, device, api, descriptors, resolved options, kernels): ignore what you don't know;
 *      what struct_size does not cover is not there (ATTN_HAS).
 *    Answers (error, plan_info): the caller sets struct_size and zeroes what the callee is to fill;
 *      the callee writes no further than struct_size. A plan_info shorter than in 1.0 is
 *      ATTN_INVALID_ARGUMENT; an error record shorter than in 1.0 is left alone.
 *  2 Numbers. Enums are int32_t, masks uint32_t or uint64_t. In a request an unknown enum value or
 *    mask bit is ATTN_UNSUPPORTED_FEATURE; only an unknown dtype is ATTN_UNSUPPORTED_DTYPE.
 *  3 Arrays of structs that may grow are arrays of pointers; an empty array may be NULL.
 *  4 Memory is freed by the side that made it. Text is UTF-8, ends in NUL. Lifetimes: [dso] while
 *    the library is loaded, [obj] until the object's destroy, [call] until the call returns. What
 *    attnbench passes is [call] unless said otherwise: copy what you keep.
 *  5 Threads. [any] from any thread at any time. [serial] one call at a time per instance with its
 *    plans; create and destroy one at a time per library. On CUDA the device's primary context is
 *    current on the calling thread of each [serial] call, and still is when the call returns.
 *  6 Manners. No exception, longjmp, exit or abort leaves a call; no call prints, or changes signal
 *    handlers, environment, locale or current directory. Loading the library does nothing. */
#ifndef ATTNBENCH_PROVIDER_H_
#define ATTNBENCH_PROVIDER_H_

#include <stddef.h>
#include <stdint.h>

#define ATTN_ABI_MAJOR 1u /* part of the entry's name: a new major is a new symbol */
#define ATTN_ABI_MINOR 0u /* minors only append */

#define ATTN_EXPORT __attribute__((visibility("default")))
#if defined(__cplusplus) && __cplusplus >= 201703L
#define ATTN_NOEXCEPT noexcept /* a function that may throw does not fit into the table */
#else
#define ATTN_NOEXCEPT
#endif
/* Bytes up to the end of field `last`: unlike sizeof, exact even if padding follows. */
#define ATTN_SIZE_TO(T, last) ((uint32_t)(offsetof(T, last) + sizeof(((T*)0)->last)))
/* True if the maker of *p knew `field` and set it. */
#define ATTN_HAS(p, T, field) ((p)->struct_size >= ATTN_SIZE_TO(T, field) && (p)->field)

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Status: class * 1000 + detail. attnbench branches on the class alone; 1xxx, 3xxx and 4xxx
 * are results worth reporting, the other classes are somebody's fault. */
typedef int32_t attn_status;
#define ATTN_CLASS(status) ((status) / 1000)
enum {
  ATTN_OK = 0,
  ATTN_UNSUPPORTED = 1000, /* well formed, but not for this provider or device */
  ATTN_UNSUPPORTED_DTYPE = 1001,
  ATTN_UNSUPPORTED_SHAPE = 1002,
  ATTN_UNSUPPORTED_LAYOUT = 1003, /* strides, alignment */
  ATTN_UNSUPPORTED_DEVICE = 1004,
  ATTN_UNSUPPORTED_FEATURE = 1005,    /* a meaning it lacks or has never heard of */
  ATTN_UNSUPPORTED_OPTIONS = 1006,    /* allowed values that do not go together */
  ATTN_UNSUPPORTED_DEPENDENCY = 1007, /* a library or driver is missing or too old */
  ATTN_INVALID_ARGUMENT = 2000,       /* the caller broke this contract */
  ATTN_INVALID_OPTION = 2001,         /* unknown name, type or value; message lists valid ones */
  ATTN_OUT_OF_MEMORY = 3000,
  ATTN_OUT_OF_HOST_MEMORY = 3001,
  ATTN_OUT_OF_DEVICE_MEMORY = 3002,
  ATTN_RESOURCE_EXHAUSTED = 4000, /* the kernel asks for more than the device can give a block */
  ATTN_RESOURCE_SHARED_MEMORY = 4001,
  ATTN_RESOURCE_REGISTERS = 4002,
  ATTN_RESOURCE_GRID = 4003,
  ATTN_COMPILE_FAILED = 5000,
  ATTN_INIT_FAILED = 6000,
  ATTN_EXECUTION_FAILED = 7000,
  ATTN_EXECUTION_POISONED = 7001, /* device context lost; attnbench replaces the process */
  ATTN_INTERNAL = 8000,           /* a defect of the provider */
  /* From 20000 on, attnbench's own verdicts: a provider that returns one breaks the contract. */
  ATTN_HOST_LOAD_FAILED = 20000,
  ATTN_HOST_TIMED_OUT = 21000,
  ATTN_HOST_CRASHED = 22000,
  ATTN_HOST_WRONG_RESULT = 23000,
  ATTN_HOST_CONTRACT_VIOLATION = 24000,
  ATTN_HOST_PROTOCOL_ERROR = 25000,
  ATTN_HOST_QUARANTINED = 26000,
  ATTN_HOST_IMPLAUSIBLE = 27000,
  ATTN_HOST_NOT_RUN = 28000
};
enum {
  ATTN_NATIVE_NONE = 0,
  ATTN_NATIVE_ERRNO = 1,
  ATTN_NATIVE_CUDA_DRIVER = 2,
  ATTN_NATIVE_CUDA_RUNTIME = 3,
  ATTN_NATIVE_NVRTC = 4,
  ATTN_NATIVE_CUDNN = 5,
  ATTN_NATIVE_CUBLAS = 6,
  ATTN_NATIVE_PYTHON = 7
};
/* Why a call failed; record and buffer are the caller's. Filled on every status but ATTN_OK, with a
 * sentence that names the limit: "needs 294912 B of shared memory, device offers 232448 B". */
typedef struct attn_error {
  uint32_t struct_size;
  attn_status status;        /* out: the status returned */
  int32_t native_domain;     /* out: one of ATTN_NATIVE_ */
  int32_t native_code;       /* out: the code in that domain */
  char* message;             /* in: buffer or NULL; always left NUL-terminated if it has a byte */
  uint32_t message_capacity; /* in: bytes in the buffer, 0 if it is NULL */
  uint32_t message_length;   /* out: bytes wanted, less the NUL; cut off if they do not fit */
} attn_error;

/* ---- Options: a provider's own knobs, such as block_q. A boolean is an ATTN_INT from 0 to 1; a
 * knob that can choose by itself takes 0 or "auto" and says in plan_info what it chose. */
enum { ATTN_INT = 1, ATTN_FLOAT = 2, ATTN_STRING = 3 };
typedef struct attn_option { /* an option not given takes its default; one given twice is refused */
  uint32_t struct_size;
  int32_t type; /* says which value counts; the others are 0 */
  const char* name;
  int64_t int_value;
  double float_value;
  const char* string_value;
} attn_option;
enum {
  ATTN_OPTION_COMPILE_TIME = 1,     /* a new value means a new compilation */
  ATTN_OPTION_AFFECTS_NUMERICS = 2, /* a new value may change the result's bits */
  ATTN_OPTION_SWEEPABLE = 4         /* every choice is worth measuring */
};
/* An int has choices, or num_choices 0 and a range: never both. A float has a range. A string has
 * choices, or num_choices 0 and is free. What does not apply is 0 or NULL. [dso] */
typedef struct attn_option_desc {
  uint32_t struct_size;
  int32_t type;
  const char* name; /* [a-z0-9_]+ */
  const char* doc;  /* one sentence */
  uint32_t flags;   /* of ATTN_OPTION_ */
  uint32_t num_choices;
  const int64_t* int_choices;
  const char* const* string_choices;
  int64_t int_min, int_max; /* both allowed; with choices, both 0 */
  int64_t int_default;
  double float_min, float_max; /* both allowed */
  double float_default;
  const char* string_default;
} attn_option_desc;

/* ---- Tensors. The next three structs equal DLPack's DLDevice, DLDataType and DLTensor byte for
 * byte (a test compares them with dlpack.h); they are frozen, so they carry no struct_size. */
typedef struct attn_device_id {
  int32_t type; /* of ATTN_DEVICE_ */
  int32_t id;   /* which one, from 0 */
} attn_device_id;
typedef struct attn_dtype {
  uint8_t code;   /* of ATTN_DTYPE_ */
  uint8_t bits;   /* 16 or 32 for FLOAT, 16 for BFLOAT, 8 for FLOAT8 */
  uint16_t lanes; /* always 1 */
} attn_dtype;
typedef struct attn_tensor {
  void* data; /* element 0 lies at (char*)data + byte_offset */
  attn_device_id device;
  int32_t ndim;
  attn_dtype dtype;
  int64_t* shape;
  int64_t* strides; /* in elements, never NULL */
  uint64_t byte_offset;
} attn_tensor;
enum { ATTN_DEVICE_CPU = 1, ATTN_DEVICE_CUDA = 2 };
enum {
  ATTN_DTYPE_INT = 0,
  ATTN_DTYPE_UINT = 1,
  ATTN_DTYPE_FLOAT = 2,
  ATTN_DTYPE_BFLOAT = 4,
  ATTN_DTYPE_BOOL = 6,
  ATTN_DTYPE_FLOAT8_E3M4 = 7,
  ATTN_DTYPE_FLOAT8_E4M3 = 8,
  ATTN_DTYPE_FLOAT8_E4M3B11FNUZ = 9,
  ATTN_DTYPE_FLOAT8_E4M3FN = 10,
  ATTN_DTYPE_FLOAT8_E4M3FNUZ = 11,
  ATTN_DTYPE_FLOAT8_E5M2 = 12,
  ATTN_DTYPE_FLOAT8_E5M2FNUZ = 13,
  ATTN_DTYPE_FLOAT8_E8M0FNU = 14
};
/* What a tensor is for. Its axes have this order whatever the layout: strides alone tell their
 * order in memory. With B batches, S positions, H heads, D dimensions, the "BSHD" layout of Q has
 * strides (S*H*D, H*D, D, 1) and "BHSD" has (H*S*D, D, S*D, 1), both with the shape (B, S, H, D).
 */
enum {
  ATTN_ROLE_Q = 1,    /* (B, Sq, Hq, Dqk) */
  ATTN_ROLE_K = 2,    /* (B, Skv, Hkv, Dqk) */
  ATTN_ROLE_V = 3,    /* (B, Skv, Hkv, Dv) */
  ATTN_ROLE_O = 4,    /* (B, Sq, Hq, Dv) */
  ATTN_ROLE_LSE = 5,  /* (B, Hq, Sq), fp32, natural logarithm */
  ATTN_ROLE_BIAS = 6, /* (B, Hq, Sq, Skv); stride 0 broadcasts an axis */
  ATTN_ROLE_DO = 32,  /* the gradients have the shapes of O Q K V */
  ATTN_ROLE_DQ = 33,
  ATTN_ROLE_DK = 34,
  ATTN_ROLE_DV = 35,
  ATTN_ROLE_DBIAS = 36 /* as BIAS; a broadcast axis has extent 1 and is summed */
};
enum { ATTN_ACCESS_READ = 1, ATTN_ACCESS_WRITE = 2 };
typedef struct attn_tensor_spec { /* a tensor without its data, fixed when a plan is made */
  uint32_t struct_size;
  int32_t role;     /* of ATTN_ROLE_ */
  attn_dtype dtype; /* Q K V share one; others may differ, and may be refused */
  int32_t ndim;
  const int64_t* shape;   /* agrees with the problem */
  const int64_t* strides; /* in elements, >= 0; 0 only in BIAS */
  uint32_t alignment;     /* of element 0: a power of two, dtype's bytes to 256; 0 means 256 */
  uint32_t access;        /* inputs ATTN_ACCESS_READ, outputs ATTN_ACCESS_WRITE */
} attn_tensor_spec;
/* A tensor with its data, on the instance's device. All but data and byte_offset repeats the spec.
 * Inputs are never written; an output overlaps neither another tensor nor the workspace. */
typedef struct attn_binding {
  uint32_t struct_size;
  int32_t role;
  attn_tensor tensor;
} attn_binding;

/* ---- Problem. For query row i and key row j, in exact arithmetic:
 *   s = scale * Q[i].K[j]              scale 0 means 1/sqrt(head_dim_qk)
 *   s = softcap * tanh(s / softcap)    if softcap > 0
 *   s = s + BIAS[i,j]                  if BIAS is bound
 *   s = -inf                           if the mask hides j from i
 *   LSE[i] = ln(sum_j exp(s)),  P[i,j] = exp(s - LSE[i]),  O[i] = sum_j P[i,j] V[j]
 * A row all of -inf, by mask or by -inf in BIAS, has O = 0 and LSE = -inf and adds 0 to every
 * gradient. A finite bias, however negative, is ordinary arithmetic. heads_kv divides heads_q; head
 * h of Q reads head h / (heads_q / heads_kv) of K and V. BWD differentiates the same formulas: DK
 * and DV sum over the heads of Q that share them, and O and LSE may be another provider's. */
enum {
  ATTN_OP_FWD = 1, /* Q K V, perhaps BIAS -> O, perhaps LSE */
  ATTN_OP_BWD = 2  /* Q K V O LSE DO, perhaps BIAS -> DQ DK DV, perhaps DBIAS */
};
/* Diagonal d: i (top left) or i + seqlen_kv - seqlen_q (bottom right). Causal shows j <= d; windows
 * show d - window_left <= j <= d + window_right, where -1 means no limit on that side. */
enum {
  ATTN_MASK_NONE = 0,
  ATTN_MASK_CAUSAL_TOP_LEFT = 1,
  ATTN_MASK_CAUSAL_BOTTOM_RIGHT = 2,
  ATTN_MASK_WINDOW_TOP_LEFT = 3,
  ATTN_MASK_WINDOW_BOTTOM_RIGHT = 4
};
/* A bit for each meaning beyond plain forward. A bit is set in a problem exactly if its line holds;
 * DETERMINISTIC is a wish and stands alone. Bits 7 to 11 are kept for dropout, variable lengths,
 * paged KV, quantised inputs and decoding, bit 63 for "a longer mask is in an appended field". */
#define ATTN_FEATURE_CAUSAL (UINT64_C(1) << 0)         /* mask is one of CAUSAL */
#define ATTN_FEATURE_BIAS (UINT64_C(1) << 1)           /* there is a BIAS */
#define ATTN_FEATURE_GQA (UINT64_C(1) << 2)            /* heads_kv < heads_q */
#define ATTN_FEATURE_BWD (UINT64_C(1) << 3)            /* op is BWD */
#define ATTN_FEATURE_LSE (UINT64_C(1) << 4)            /* op is FWD and writes LSE too */
#define ATTN_FEATURE_WINDOW (UINT64_C(1) << 5)         /* mask is one of WINDOW */
#define ATTN_FEATURE_SOFTCAP (UINT64_C(1) << 6)        /* softcap > 0 */
#define ATTN_FEATURE_DETERMINISTIC (UINT64_C(1) << 12) /* equal inputs must give equal bits */
#define ATTN_FEATURE_DBIAS (UINT64_C(1) << 13)         /* there is a DBIAS */
#define ATTN_FEATURE_ESCAPE (UINT64_C(1) << 63)
typedef struct attn_problem {
  uint32_t struct_size;
  uint32_t op;  /* one ATTN_OP_ bit; more at once are ATTN_UNSUPPORTED_FEATURE */
  int32_t mask; /* of ATTN_MASK_ */
  uint32_t reserved;
  uint64_t features; /* all that the other fields and the specs ask for */
  int64_t batch, heads_q, heads_kv, seqlen_q, seqlen_kv, head_dim_qk, head_dim_v; /* all >= 1 */
  double scale;                      /* finite; 0 means 1/sqrt(head_dim_qk) */
  double softcap;                    /* finite; 0 means none */
  int64_t window_left, window_right; /* >= -1; 0 without a window mask */
} attn_problem;

/* ---- Device and host. */
typedef struct attn_device {
  uint32_t struct_size;
  uint32_t reserved;
  attn_device_id id;
  int32_t cc_major, cc_minor; /* CUDA compute capability, else 0 */
  uint64_t total_memory_bytes;
  uint64_t shared_memory_bytes; /* most a block may opt in to; 0 on a CPU */
  const char* name;
  uint8_t uuid[16];
} attn_device;
enum { ATTN_LOG_DEBUG = 0, ATTN_LOG_INFO = 1, ATTN_LOG_WARN = 2, ATTN_LOG_ERROR = 3 };
typedef struct attn_host { /* it, and all it returns, outlives the instance it was given to */
  uint32_t struct_size;
  uint32_t abi_minor;
  void* ctx; /* goes first into each function below */
  const char* name;
  const char* version;
  /* Adds text to the run's log, for instance a compiler's; copies it. Returns nothing. [any] */
  void (*log)(void* ctx, int32_t level, const char* text) ATTN_NOEXCEPT;
  /* Returns a setting or NULL. "cache_dir" is where compiled kernels may be kept. [any] */
  const char* (*config)(void* ctx, const char* key)ATTN_NOEXCEPT;
  /* Returns the table of a named extension, as "attn.plan-cache/1", or NULL. [any] */
  const void* (*get_extension)(void* ctx, const char* id)ATTN_NOEXCEPT;
} attn_host;

/* ---- Provider. */
typedef struct attn_instance attn_instance; /* a provider on a device */
typedef struct attn_plan attn_plan;         /* an instance made ready for one problem */
typedef struct attn_provider_desc {         /* constant, read without any device. [dso] */
  uint32_t struct_size;
  uint32_t num_device_types;
  uint32_t num_dtypes;
  uint32_t num_options;
  const char* id; /* [a-z0-9_]+, as "block_ptr" */
  const char* name;
  const char* vendor;
  const char* version;
  const char* license; /* SPDX, as "Apache-2.0" */
  const char* description;
  uint64_t features; /* attnbench asks for no other */
  const int32_t* device_types;
  const attn_dtype* dtypes; /* of Q, K and V */
  const attn_option_desc* const* options;
} attn_provider_desc;
typedef struct attn_kernel_info { /* one launch of a plan. [obj] */
  uint32_t struct_size;
  uint32_t flags; /* none in 1.0 */
  const char* name;
  uint32_t regs_per_thread; /* 0: this, spills and shared memory are not known */
  uint32_t spill_bytes;     /* per thread */
  uint32_t smem_bytes;      /* per block, static and dynamic */
  uint32_t grid[3], block[3];
  uint32_t cluster[3]; /* 0, 0, 0: none */
} attn_kernel_info;
enum {
  ATTN_PLAN_GRAPH_SAFE = 1,   /* execute may be captured into a CUDA graph */
  ATTN_PLAN_DETERMINISTIC = 2 /* equal inputs give equal bits */
};
typedef struct attn_plan_info { /* its arrays are [obj] of the plan */
  uint32_t struct_size;
  uint32_t flags; /* of ATTN_PLAN_ */
  uint32_t num_options;
  uint32_t num_kernels;
  uint64_t workspace_bytes;
  uint64_t workspace_alignment;           /* a power of two; 0 means 256 */
  const attn_option* const* options;      /* every declared option, as finally used */
  const attn_kernel_info* const* kernels; /* in launch order, as far as known */
} attn_plan_info;

typedef struct attn_create_args {
  uint32_t struct_size;
  uint32_t reserved;
  const attn_host* host; /* outlives the instance */
  const char* provider_id;
  const attn_device* device;
} attn_create_args;
typedef struct attn_plan_args { /* one question, for supports and for plan_create */
  uint32_t struct_size;
  uint32_t num_specs;
  uint32_t num_options;
  uint32_t reserved;
  const attn_problem* problem;
  const attn_tensor_spec* const* specs; /* each role that op and features call for, once */
  const attn_option* const* options;
} attn_plan_args;
typedef struct attn_execute_args {
  uint32_t struct_size;
  uint32_t num_bindings;
  const attn_binding* const* bindings; /* one for each spec, in the same order */
  void* workspace;                     /* aligned as the plan asks; NULL if it needs 0 bytes */
  uint64_t workspace_bytes;            /* no less than the plan needs */
  void* stream; /* CUDA: a CUstream of the device's primary context, not NULL. CPU: NULL */
} attn_execute_args;

/* The table. Only get_extension may be NULL. In any call `error` may be NULL; another NULL, or an
 * unknown provider_id, is ATTN_INVALID_ARGUMENT. [dso] */
typedef struct attn_provider_api {
  uint32_t struct_size;
  uint32_t abi_major, abi_minor; /* of the header it was built against */
  uint32_t num_providers;        /* one file may hold several */
  const attn_provider_desc* const* providers;
  /* Returns the table of a named extension [dso], or NULL if unknown. [any] */
  const void* (*get_extension)(const char* id)ATTN_NOEXCEPT;
  /* Says if a provider is usable on this machine, without making a context. Returns ATTN_OK and
   * *score 1 to 100 (made for this device), or a status, *score 0 and the reason in error. [any] */
  attn_status (*probe)(const char* provider_id, const attn_device* device, int32_t* score,
                       attn_error* error) ATTN_NOEXCEPT;
  /* Returns ATTN_OK and *instance, the caller's to destroy; or a status and NULL. [serial] */
  attn_status (*create)(const attn_create_args* args, attn_instance** instance,
                        attn_error* error) ATTN_NOEXCEPT;
  /* Frees an instance that has no plans left. NULL is allowed. [serial] */
  void (*destroy)(attn_instance* instance) ATTN_NOEXCEPT;
  /* Answers in under 10 ms, without compiling or device memory. Returns ATTN_OK, a promise that
   * plan_create will try, or a status, which is final. [serial] */
  attn_status (*supports)(attn_instance* instance, const attn_plan_args* args,
                          attn_error* error) ATTN_NOEXCEPT;
  /* Does all that is slow: compiles, loads, chooses. Returns ATTN_OK and *plan, the caller's to
   * destroy before the instance; or a status and NULL. [serial] */
  attn_status (*plan_create)(attn_instance* instance, const attn_plan_args* args, attn_plan** plan,
                             attn_error* error) ATTN_NOEXCEPT;
  /* Fills *info, each time alike. Returns ATTN_OK. [serial] */
  attn_status (*plan_info)(attn_plan* plan, attn_plan_info* info, attn_error* error) ATTN_NOEXCEPT;
  /* Enqueues one pass on `stream` and returns; a CPU provider finishes before it returns. Takes no
   * device memory, waits for nothing, compiles nothing; only a plan's first pass, which attnbench
   * never times, may still load code. May fork to other streams only if events join them back into
   * `stream` before it returns. Workspace and outputs are undefined on entry; any zeroing is part
   * of the pass. All memory stays valid until `stream` has done this work; the next pass may be
   * enqueued behind it on the same memory. Returns ATTN_OK or a status, but never refuses what
   * plan_create accepted. [serial, hot] */
  attn_status (*execute)(attn_plan* plan, const attn_execute_args* args,
                         attn_error* error) ATTN_NOEXCEPT;
  /* Frees a plan whose work is done: attnbench has synchronised. NULL is allowed. [serial] */
  void (*plan_destroy)(attn_plan* plan) ATTN_NOEXCEPT;
} attn_provider_api;

/* The one exported symbol. Returns the table, always the same [dso], or NULL if it can serve no
 * minor from host_minor_min to host_minor_max. Touches no device, takes under 100 ms. [any] */
ATTN_EXPORT const attn_provider_api* attn_provider_entry_v1(uint32_t host_minor_min,
                                                            uint32_t host_minor_max) ATTN_NOEXCEPT;
typedef const attn_provider_api* (*attn_provider_entry_v1_fn)(uint32_t, uint32_t);

/* Returns 1 if a request of `given` bytes holds only zeros behind the `known` ones:
 *   attn_tail_is_zero(args, ATTN_SIZE_TO(attn_plan_args, options), args->struct_size) */
static inline int attn_tail_is_zero(const void* request, uint32_t known, uint32_t given) {
  const unsigned char* bytes = (const unsigned char*)request;
  while (known < given && bytes[known] == 0) ++known;
  return known >= given;
}

#ifdef __cplusplus
}
#endif
/* How a version ends. A minor appends fields, values, bits and functions, nothing else; optional
 * abilities are named extensions. A change of layout or meaning is major 2: another header, another
 * symbol, attn_provider_entry_v2. A library may export both. History: 1.0, the first. */
#endif
