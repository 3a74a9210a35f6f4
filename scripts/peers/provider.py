"""attnbench/provider.h in ctypes, as much of it as a comparison on the CPU needs."""

import ctypes as c
import math

CPU, FWD, BWD = 1, 1, 2
CAUSAL_BOTTOM_RIGHT = 2
FEATURE_CAUSAL, FEATURE_BWD, FEATURE_LSE = 1, 8, 16
Q, K, V, O, LSE, DO, DQ, DK, DV = 1, 2, 3, 4, 5, 32, 33, 34, 35
READ, WRITE = 1, 2
INT_OPTION = 1


class Struct(c.Structure):
    """Sets struct_size to the end of the last field, as the contract asks."""

    def __init__(self, **fields):
        super().__init__(**fields)
        name, last = self._fields_[-1][:2]
        if self._fields_[0][0] == "struct_size":
            self.struct_size = getattr(type(self), name).offset + c.sizeof(last)


class DeviceId(Struct):
    _fields_ = [("type", c.c_int32), ("id", c.c_int32)]


class Dtype(Struct):
    _fields_ = [("code", c.c_uint8), ("bits", c.c_uint8), ("lanes", c.c_uint16)]


class Error(Struct):
    _fields_ = [("struct_size", c.c_uint32), ("status", c.c_int32), ("native_domain", c.c_int32),
                ("native_code", c.c_int32), ("message", c.c_char_p),
                ("message_capacity", c.c_uint32), ("message_length", c.c_uint32)]


class Option(Struct):
    _fields_ = [("struct_size", c.c_uint32), ("type", c.c_int32), ("name", c.c_char_p),
                ("int_value", c.c_int64), ("float_value", c.c_double),
                ("string_value", c.c_char_p)]


class Tensor(Struct):
    _fields_ = [("data", c.c_void_p), ("device", DeviceId), ("ndim", c.c_int32),
                ("dtype", Dtype), ("shape", c.POINTER(c.c_int64)),
                ("strides", c.POINTER(c.c_int64)), ("byte_offset", c.c_uint64)]


class Spec(Struct):
    _fields_ = [("struct_size", c.c_uint32), ("role", c.c_int32), ("dtype", Dtype),
                ("ndim", c.c_int32), ("shape", c.POINTER(c.c_int64)),
                ("strides", c.POINTER(c.c_int64)), ("alignment", c.c_uint32),
                ("access", c.c_uint32)]


class Binding(Struct):
    _fields_ = [("struct_size", c.c_uint32), ("role", c.c_int32), ("tensor", Tensor)]


class Problem(Struct):
    _fields_ = ([("struct_size", c.c_uint32), ("op", c.c_uint32), ("mask", c.c_int32),
                 ("reserved", c.c_uint32), ("features", c.c_uint64)] +
                [(name, c.c_int64) for name in ("batch", "heads_q", "heads_kv", "seqlen_q",
                                                "seqlen_kv", "head_dim_qk", "head_dim_v")] +
                [("scale", c.c_double), ("softcap", c.c_double), ("window_left", c.c_int64),
                 ("window_right", c.c_int64)])


class Device(Struct):
    _fields_ = [("struct_size", c.c_uint32), ("reserved", c.c_uint32), ("id", DeviceId),
                ("cc_major", c.c_int32), ("cc_minor", c.c_int32), ("total_memory", c.c_uint64),
                ("shared_memory", c.c_uint64), ("name", c.c_char_p), ("uuid", c.c_uint8 * 16)]


class Host(Struct):
    _fields_ = [("struct_size", c.c_uint32), ("abi_minor", c.c_uint32)] + [
        (name, c.c_void_p) for name in ("ctx", "name", "version", "log", "config",
                                        "get_extension")]


class CreateArgs(Struct):
    _fields_ = [("struct_size", c.c_uint32), ("reserved", c.c_uint32), ("host", c.POINTER(Host)),
                ("provider_id", c.c_char_p), ("device", c.POINTER(Device))]


class PlanArgs(Struct):
    _fields_ = [("struct_size", c.c_uint32), ("num_specs", c.c_uint32),
                ("num_options", c.c_uint32), ("reserved", c.c_uint32),
                ("problem", c.POINTER(Problem)), ("specs", c.POINTER(c.POINTER(Spec))),
                ("options", c.POINTER(c.POINTER(Option)))]


class PlanInfo(Struct):
    _fields_ = [("struct_size", c.c_uint32), ("flags", c.c_uint32), ("num_options", c.c_uint32),
                ("num_kernels", c.c_uint32), ("workspace_bytes", c.c_uint64),
                ("workspace_alignment", c.c_uint64), ("options", c.c_void_p),
                ("kernels", c.c_void_p)]


class ExecuteArgs(Struct):
    _fields_ = [("struct_size", c.c_uint32), ("num_bindings", c.c_uint32),
                ("bindings", c.POINTER(c.POINTER(Binding))), ("workspace", c.c_void_p),
                ("workspace_bytes", c.c_uint64), ("stream", c.c_void_p)]


class Api(Struct):
    _fields_ = [("struct_size", c.c_uint32), ("abi_major", c.c_uint32), ("abi_minor", c.c_uint32),
                ("num_providers", c.c_uint32), ("providers", c.c_void_p),
                ("get_extension", c.c_void_p), ("probe", c.c_void_p),
                ("create", c.CFUNCTYPE(c.c_int32, c.POINTER(CreateArgs), c.POINTER(c.c_void_p),
                                       c.POINTER(Error))),
                ("destroy", c.CFUNCTYPE(None, c.c_void_p)), ("supports", c.c_void_p),
                ("plan_create", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.POINTER(PlanArgs),
                                            c.POINTER(c.c_void_p), c.POINTER(Error))),
                ("plan_info", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.POINTER(PlanInfo),
                                          c.POINTER(Error))),
                ("execute", c.CFUNCTYPE(c.c_int32, c.c_void_p, c.POINTER(ExecuteArgs),
                                        c.POINTER(Error))),
                ("plan_destroy", c.CFUNCTYPE(None, c.c_void_p))]


def pointers_to(items, kind):
    return (c.POINTER(kind) * len(items))(*[c.pointer(item) for item in items])


def dtype_of(tensor):
    name = str(tensor.dtype)
    return Dtype(code=4 if "bfloat" in name else 2, bits=tensor.element_size() * 8, lanes=1)


class Provider:
    def __init__(self, library):
        self.library = c.CDLL(library)
        entry = self.library.attn_provider_entry_v1
        entry.restype = c.POINTER(Api)
        self.api = entry(0, 0).contents
        self.text = c.create_string_buffer(512)
        self.error = Error(message=c.cast(self.text, c.c_char_p), message_capacity=512)
        self.host = Host()
        self.device = Device(id=DeviceId(type=CPU, id=0))
        args = CreateArgs(host=c.pointer(self.host), provider_id=b"cpu_flash",
                          device=c.pointer(self.device))
        self.instance = c.c_void_p()
        self.check(self.api.create(args, c.byref(self.instance), self.error))

    def check(self, status):
        if status != 0:
            raise SystemExit(f"cpu_flash: status {status}: {self.text.value.decode()}")

    def plan(self, q, k, v, d_o, **settings):
        return Plan(self, q, k, v, d_o, **settings)


class Plan:
    """One pass over torch tensors of the shape (batch, heads, seqlen, head_dim)."""

    def __init__(self, provider, q, k, v, d_o, causal, backward, threads, output=None, lse=None):
        import torch
        self.provider, self.api = provider, provider.api
        batch, heads, rows, dim = q.shape
        self.output = torch.empty_like(q, requires_grad=False) if output is None else output
        self.lse = torch.empty((batch, heads, rows)) if lse is None else lse
        tensors = [(Q, q), (K, k), (V, v), (O, self.output), (LSE, self.lse)]
        if backward:
            self.gradients = [torch.empty_like(x, requires_grad=False) for x in (q, k, v)]
            tensors += [(DO, d_o)] + list(zip((DQ, DK, DV), self.gradients))
        outputs = (DQ, DK, DV) if backward else (O, LSE)
        self.problem = Problem(
            op=BWD if backward else FWD, mask=CAUSAL_BOTTOM_RIGHT if causal else 0,
            features=(FEATURE_CAUSAL if causal else 0) | (FEATURE_BWD if backward else FEATURE_LSE),
            batch=batch, heads_q=heads, heads_kv=heads, seqlen_q=rows, seqlen_kv=k.shape[2],
            head_dim_qk=dim, head_dim_v=dim, scale=1 / math.sqrt(dim))
        self.kept = [tensor for _, tensor in tensors]
        self.specs, self.bindings = [], []
        for role, tensor in tensors:
            view = tensor.detach() if role == LSE else tensor.detach().transpose(1, 2)
            shape = (c.c_int64 * view.dim())(*view.shape)
            strides = (c.c_int64 * view.dim())(*view.stride())
            self.specs.append(Spec(role=role, dtype=dtype_of(view), ndim=view.dim(), shape=shape,
                                   strides=strides, alignment=view.element_size(),
                                   access=WRITE if role in outputs else READ))
            self.bindings.append(Binding(role=role, tensor=Tensor(
                data=view.data_ptr(), device=DeviceId(type=CPU, id=0), ndim=view.dim(),
                dtype=dtype_of(view), shape=shape, strides=strides)))
        self.options = [Option(type=INT_OPTION, name=b"threads", int_value=threads)]
        args = PlanArgs(num_specs=len(self.specs), num_options=1, problem=c.pointer(self.problem),
                        specs=pointers_to(self.specs, Spec),
                        options=pointers_to(self.options, Option))
        self.plan = c.c_void_p()
        provider.check(self.api.plan_create(provider.instance, args, c.byref(self.plan),
                                            provider.error))
        info = PlanInfo()
        provider.check(self.api.plan_info(self.plan, info, provider.error))
        self.workspace = c.create_string_buffer(info.workspace_bytes + 256)
        start = (c.addressof(self.workspace) + 255) // 256 * 256
        self.args = ExecuteArgs(num_bindings=len(self.bindings),
                                bindings=pointers_to(self.bindings, Binding), workspace=start,
                                workspace_bytes=info.workspace_bytes)

    def execute(self):
        self.provider.check(self.api.execute(self.plan, self.args, self.provider.error))

    def __del__(self):
        if getattr(self, "plan", None):
            self.api.plan_destroy(self.plan)
