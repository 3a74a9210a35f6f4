/* The smallest whole provider: forward attention in fp32 on the CPU, any strides, GQA and LSE. Read
 * from the bottom: the table, then what is in it. To make your own, copy the folder, change `desc`
 * and `check_problem` to what you can do, and put your kernel into `execute`. */
#include <attnbench/provider.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { Q, K, V, O, LSE, NUM_TENSORS };

struct attn_instance { /* what all plans of a device share; a GPU's loaded modules would be here */
  const attn_host* host;
};
struct attn_plan {
  attn_problem problem;
  uint32_t num_specs;
  int position[NUM_TENSORS]; /* of each tensor among specs and bindings, -1: not there */
  uint32_t alignment[NUM_TENSORS];
  int64_t shape[NUM_TENSORS][4], strides[NUM_TENSORS][4];
};

/* Fills the caller's error record and hands the status on, so that refusing is one line. */
static attn_status refuse(attn_error* error, attn_status status, const char* why) {
  if (error && error->struct_size >= ATTN_SIZE_TO(attn_error, message_length)) {
    error->status = status;
    error->native_domain = ATTN_NATIVE_NONE;
    error->native_code = 0;
    error->message_length = (uint32_t)strlen(why);
    if (error->message && error->message_capacity > 0) {
      uint32_t kept = error->message_length;
      if (kept >= error->message_capacity) kept = error->message_capacity - 1;
      memcpy(error->message, why, kept);
      error->message[kept] = '\0';
    }
  }
  return status;
}

/* Rule 1 for a request that is known up to and including field `last`. */
#define CHECK_REQUEST(p, T, last)                                                        \
  do {                                                                                   \
    if (!(p) || (p)->struct_size < ATTN_SIZE_TO(T, last))                                \
      return refuse(error, ATTN_INVALID_ARGUMENT, #T " is NULL or too small");           \
    if (!attn_tail_is_zero((p), ATTN_SIZE_TO(T, last), (p)->struct_size))                \
      return refuse(error, ATTN_UNSUPPORTED_FEATURE, #T " is newer than this provider"); \
  } while (0)

static const int32_t device_types[] = {ATTN_DEVICE_CPU};
static const attn_dtype dtypes[] = {{ATTN_DTYPE_FLOAT, 32, 1}};
static const attn_provider_desc desc = {
    .struct_size = ATTN_SIZE_TO(attn_provider_desc, options),
    .num_device_types = 1,
    .num_dtypes = 1,
    .id = "template",
    .name = "Template",
    .vendor = "attnbench",
    .version = "1.0.0",
    .license = "Apache-2.0",
    .description = "Forward attention in fp32, three loops; a place to start from.",
    .features = ATTN_FEATURE_GQA | ATTN_FEATURE_LSE | ATTN_FEATURE_DETERMINISTIC,
    .device_types = device_types,
    .dtypes = dtypes,
};
static const attn_provider_desc* const providers[] = {&desc};

static attn_status probe(const char* provider_id, const attn_device* device, int32_t* score,
                         attn_error* error) {
  if (score) *score = 0;
  if (!provider_id || !device || !score || strcmp(provider_id, desc.id) != 0)
    return refuse(error, ATTN_INVALID_ARGUMENT, "needs this provider's id, a device and a score");
  if (device->id.type != ATTN_DEVICE_CPU)
    return refuse(error, ATTN_UNSUPPORTED_DEVICE, "runs on the CPU only");
  *score = 1;
  return ATTN_OK;
}

static attn_status create(const attn_create_args* args, attn_instance** instance,
                          attn_error* error) {
  int32_t score;
  attn_status status;
  if (!instance) return refuse(error, ATTN_INVALID_ARGUMENT, "instance is NULL");
  *instance = NULL;
  CHECK_REQUEST(args, attn_create_args, device);
  if (args->reserved) return refuse(error, ATTN_UNSUPPORTED_FEATURE, "reserved is not 0");
  if (!args->host) return refuse(error, ATTN_INVALID_ARGUMENT, "host is NULL");
  status = probe(args->provider_id, args->device, &score, error);
  if (status != ATTN_OK) return status;
  *instance = (attn_instance*)malloc(sizeof **instance);
  if (!*instance) return refuse(error, ATTN_OUT_OF_HOST_MEMORY, "no memory for an instance");
  (*instance)->host = args->host;
  return ATTN_OK;
}

static void destroy(attn_instance* instance) {
  free(instance);
}

static attn_status check_problem(const attn_problem* p, attn_error* error) {
  uint64_t implied = p->heads_kv < p->heads_q ? ATTN_FEATURE_GQA : 0;
  uint64_t wishes = ATTN_FEATURE_LSE | ATTN_FEATURE_DETERMINISTIC;
  if ((p->features & ~desc.features) || p->op > ATTN_OP_FWD || p->mask || p->reserved)
    return refuse(error, ATTN_UNSUPPORTED_FEATURE, "computes FWD with LSE and GQA, nothing else");
  if (p->op != ATTN_OP_FWD || p->batch < 1 || p->heads_q < 1 || p->heads_kv < 1 ||
      p->seqlen_q < 1 || p->seqlen_kv < 1 || p->head_dim_qk < 1 || p->head_dim_v < 1 ||
      p->heads_q % p->heads_kv != 0 || p->softcap != 0 || !isfinite(p->scale) ||
      (p->features & ~wishes) != implied)
    return refuse(error, ATTN_INVALID_ARGUMENT, "the fields of the problem contradict each other");
  return ATTN_OK;
}

/* Notes where a tensor is, after a look at its dtype, shape and strides. */
static attn_status take_spec(attn_plan* plan, uint32_t position, const attn_tensor_spec* spec,
                             attn_error* error) {
  const attn_problem* p = &plan->problem;
  const int64_t shapes[NUM_TENSORS][4] = {{p->batch, p->seqlen_q, p->heads_q, p->head_dim_qk},
                                          {p->batch, p->seqlen_kv, p->heads_kv, p->head_dim_qk},
                                          {p->batch, p->seqlen_kv, p->heads_kv, p->head_dim_v},
                                          {p->batch, p->seqlen_q, p->heads_q, p->head_dim_v},
                                          {p->batch, p->heads_q, p->seqlen_q, 0}};
  double reach = 0; /* of the tensor, in elements; unlike an int64_t it cannot overflow */
  int axis, which, ndim;
  CHECK_REQUEST(spec, attn_tensor_spec, access);
  if (spec->access & ~(uint32_t)(ATTN_ACCESS_READ | ATTN_ACCESS_WRITE))
    return refuse(error, ATTN_UNSUPPORTED_FEATURE, "a spec has an unknown access");
  which = spec->role - ATTN_ROLE_Q; /* the roles of Q K V O LSE follow each other, as ours do */
  if (which < Q || which > LSE) return refuse(error, ATTN_UNSUPPORTED_FEATURE, "unknown role");
  ndim = which == LSE ? 3 : 4;
  if (spec->dtype.code != ATTN_DTYPE_FLOAT || spec->dtype.bits != 32 || spec->dtype.lanes != 1)
    return refuse(error, ATTN_UNSUPPORTED_DTYPE, "computes in fp32 only");
  if (plan->position[which] >= 0 || spec->ndim != ndim || !spec->shape || !spec->strides ||
      (spec->access == ATTN_ACCESS_WRITE) != (which >= O) ||
      (spec->alignment & (spec->alignment - 1)) != 0 || spec->alignment > 256)
    return refuse(error, ATTN_INVALID_ARGUMENT, "a spec is malformed or given twice");
  for (axis = 0; axis < ndim; ++axis) {
    if (spec->shape[axis] != shapes[which][axis] || spec->strides[axis] < 1)
      return refuse(error, ATTN_INVALID_ARGUMENT, "a shape or stride contradicts the problem");
    reach += ((double)spec->shape[axis] - 1) * (double)spec->strides[axis];
    plan->shape[which][axis] = spec->shape[axis];
    plan->strides[which][axis] = spec->strides[axis];
  }
  if (reach >= (double)((int64_t)1 << 59))
    return refuse(error, ATTN_UNSUPPORTED_SHAPE, "a tensor has more elements than fit in memory");
  plan->alignment[which] = spec->alignment ? spec->alignment : 256;
  plan->position[which] = (int)position;
  return ATTN_OK;
}

/* This provider has no options, so the first one given is wrong already. */
static attn_status refuse_option(const attn_plan_args* args, attn_error* error) {
  char why[128];
  if (!args->options) return refuse(error, ATTN_INVALID_ARGUMENT, "options is NULL");
  CHECK_REQUEST(args->options[0], attn_option, string_value);
  snprintf(why, sizeof why, "unknown option %.64s: this provider has none",
           args->options[0]->name ? args->options[0]->name : "NULL");
  return refuse(error, ATTN_INVALID_OPTION, why);
}

/* The one reader of a question: supports and plan_create cannot disagree. */
static attn_status take_args(const attn_plan_args* args, attn_plan* plan, attn_error* error) {
  attn_status status;
  uint32_t i;
  int which;
  CHECK_REQUEST(args, attn_plan_args, options);
  if (args->reserved) return refuse(error, ATTN_UNSUPPORTED_FEATURE, "reserved is not 0");
  CHECK_REQUEST(args->problem, attn_problem, window_right);
  memcpy(&plan->problem, args->problem, ATTN_SIZE_TO(attn_problem, window_right));
  plan->num_specs = args->num_specs;
  for (which = 0; which < NUM_TENSORS; ++which) plan->position[which] = -1;
  status = check_problem(&plan->problem, error);
  if (status == ATTN_OK && args->num_specs > 0 && !args->specs)
    return refuse(error, ATTN_INVALID_ARGUMENT, "specs is NULL");
  for (i = 0; status == ATTN_OK && i < args->num_specs; ++i)
    status = take_spec(plan, i, args->specs[i], error);
  if (status != ATTN_OK) return status;
  for (which = Q; which <= LSE; ++which) {
    int is_wanted = which != LSE || (plan->problem.features & ATTN_FEATURE_LSE);
    if ((plan->position[which] >= 0) != (is_wanted != 0))
      return refuse(error, ATTN_INVALID_ARGUMENT, "a spec is missing or not called for");
  }
  if (args->num_options > 0) return refuse_option(args, error);
  return ATTN_OK;
}

static attn_status supports(attn_instance* instance, const attn_plan_args* args,
                            attn_error* error) {
  attn_plan unused;
  if (!instance) return refuse(error, ATTN_INVALID_ARGUMENT, "instance is NULL");
  return take_args(args, &unused, error);
}

static attn_status plan_create(attn_instance* instance, const attn_plan_args* args,
                               attn_plan** plan, attn_error* error) {
  attn_plan taken;
  attn_status status;
  if (!plan) return refuse(error, ATTN_INVALID_ARGUMENT, "plan is NULL");
  *plan = NULL;
  if (!instance) return refuse(error, ATTN_INVALID_ARGUMENT, "instance is NULL");
  status = take_args(args, &taken, error);
  if (status != ATTN_OK) return status;
  *plan = (attn_plan*)malloc(sizeof **plan);
  if (!*plan) return refuse(error, ATTN_OUT_OF_HOST_MEMORY, "no memory for a plan");
  **plan = taken;
  return ATTN_OK;
}

/* One row of scores, in memory that attnbench owns. */
static uint64_t workspace_bytes(const attn_plan* plan) {
  return (uint64_t)plan->problem.seqlen_kv * sizeof(float);
}

static attn_status plan_info(attn_plan* plan, attn_plan_info* info, attn_error* error) {
  if (!plan || !info || info->struct_size < ATTN_SIZE_TO(attn_plan_info, kernels))
    return refuse(error, ATTN_INVALID_ARGUMENT, "plan or info is NULL, or info is too small");
  info->flags = ATTN_PLAN_DETERMINISTIC;
  info->workspace_bytes = workspace_bytes(plan);
  return ATTN_OK;
}

static float* row(const attn_plan* plan, float* const* data, int which, int64_t a, int64_t b,
                  int64_t c) {
  const int64_t* strides = plan->strides[which];
  return data[which] + a * strides[0] + b * strides[1] + c * strides[2];
}

/* One query row: O = softmax(scale Q K^T) V, the maximum taken out so that exp cannot overflow. */
static void attend(const attn_plan* plan, float* const* data, float* scores, int64_t b, int64_t h,
                   int64_t i) {
  const attn_problem* p = &plan->problem;
  const int64_t h_kv = h / (p->heads_q / p->heads_kv);
  const double scale = p->scale != 0 ? p->scale : 1 / sqrt((double)p->head_dim_qk);
  const float* q = row(plan, data, Q, b, i, h);
  float* o = row(plan, data, O, b, i, h);
  const int64_t q_step = plan->strides[Q][3], k_step = plan->strides[K][3];
  const int64_t v_step = plan->strides[V][3], o_step = plan->strides[O][3];
  float maximum = -INFINITY;
  double sum = 0;
  int64_t j, d;
  for (j = 0; j < p->seqlen_kv; ++j) {
    const float* k = row(plan, data, K, b, j, h_kv);
    double dot = 0;
    for (d = 0; d < p->head_dim_qk; ++d) dot += (double)q[d * q_step] * k[d * k_step];
    scores[j] = (float)(scale * dot);
    if (scores[j] > maximum) maximum = scores[j];
  }
  for (j = 0; j < p->seqlen_kv; ++j) sum += scores[j] = expf(scores[j] - maximum);
  for (d = 0; d < p->head_dim_v; ++d) {
    double dot = 0;
    for (j = 0; j < p->seqlen_kv; ++j)
      dot += (double)scores[j] * row(plan, data, V, b, j, h_kv)[d * v_step];
    o[d * o_step] = (float)(dot / sum);
  }
  if (plan->position[LSE] >= 0) *row(plan, data, LSE, b, h, i) = maximum + (float)log(sum);
}

/* A binding repeats its spec; only where the data lies is new. */
static int fits_spec(const attn_plan* plan, int which, const attn_binding* binding) {
  const attn_tensor* t = &binding->tensor;
  int axis, ndim = which == LSE ? 3 : 4;
  if (binding->role != ATTN_ROLE_Q + which || !t->data || t->ndim != ndim || !t->shape ||
      !t->strides || t->device.type != ATTN_DEVICE_CPU || t->device.id != 0 ||
      ((uintptr_t)t->data + t->byte_offset) % plan->alignment[which] != 0 ||
      t->dtype.code != ATTN_DTYPE_FLOAT || t->dtype.bits != 32 || t->dtype.lanes != 1)
    return 0;
  for (axis = 0; axis < ndim; ++axis)
    if (t->shape[axis] != plan->shape[which][axis] ||
        t->strides[axis] != plan->strides[which][axis])
      return 0;
  return 1;
}

static attn_status execute(attn_plan* plan, const attn_execute_args* args, attn_error* error) {
  float* data[NUM_TENSORS] = {NULL, NULL, NULL, NULL, NULL};
  int64_t b, h, i;
  int which;
  if (!plan) return refuse(error, ATTN_INVALID_ARGUMENT, "plan is NULL");
  CHECK_REQUEST(args, attn_execute_args, stream);
  if (args->num_bindings != plan->num_specs || !args->bindings || !args->workspace ||
      args->workspace_bytes < workspace_bytes(plan) || (uintptr_t)args->workspace % 256 != 0 ||
      args->stream)
    return refuse(error, ATTN_INVALID_ARGUMENT,
                  "bindings, workspace or stream do not fit the plan");
  for (which = Q; which <= LSE; ++which) {
    const attn_binding* binding;
    if (plan->position[which] < 0) continue;
    binding = args->bindings[plan->position[which]];
    CHECK_REQUEST(binding, attn_binding, tensor);
    if (!fits_spec(plan, which, binding))
      return refuse(error, ATTN_INVALID_ARGUMENT, "a binding does not fit its spec");
    data[which] = (float*)((char*)binding->tensor.data + binding->tensor.byte_offset);
  }
  for (b = 0; b < plan->problem.batch; ++b)
    for (h = 0; h < plan->problem.heads_q; ++h)
      for (i = 0; i < plan->problem.seqlen_q; ++i)
        attend(plan, data, (float*)args->workspace, b, h, i);
  return ATTN_OK;
}

static void plan_destroy(attn_plan* plan) {
  free(plan);
}

static const attn_provider_api api = {
    .struct_size = ATTN_SIZE_TO(attn_provider_api, plan_destroy),
    .abi_major = ATTN_ABI_MAJOR,
    .abi_minor = ATTN_ABI_MINOR,
    .num_providers = 1,
    .providers = providers,
    .probe = probe,
    .create = create,
    .destroy = destroy,
    .supports = supports,
    .plan_create = plan_create,
    .plan_info = plan_info,
    .execute = execute,
    .plan_destroy = plan_destroy,
};

const attn_provider_api* attn_provider_entry_v1(uint32_t host_minor_min, uint32_t host_minor_max) {
  (void)host_minor_max; /* needs nothing that came after 1.0 */
  return host_minor_min <= api.abi_minor ? &api : NULL;
}
