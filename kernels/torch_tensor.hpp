// Looks at torch's tensors from C++ without being linked to torch: through DLPack's C interface (1.2), which their type carries from torch
// 2.10 on. Asking a tensor for its shape, type and address in Python takes longer than a step of a small layer.
#pragma once
#include <nanobind/nanobind.h>

#include <cstdint>

namespace elman {

struct TensorView {  // DLTensor
    void* data;
    int32_t device_type, device_id;
    int32_t ndim;
    uint8_t code, bits;
    uint16_t lanes;
    int64_t *shape, *strides;
    uint64_t byte_offset;
};

class TensorLooker {
  public:
    TensorLooker() = default;
    explicit TensorLooker(nanobind::handle tensor_type) : type_(reinterpret_cast<PyTypeObject*>(tensor_type.ptr())) {
        const nanobind::object capsule = nanobind::getattr(tensor_type, "__dlpack_c_exchange_api__", nanobind::none());
        if (!PyCapsule_IsValid(capsule.ptr(), "dlpack_exchange_api")) return;
        const auto* found = static_cast<const Exchange*>(PyCapsule_GetPointer(capsule.ptr(), "dlpack_exchange_api"));
        if (found->major == 1) look_ = found->look;
    }
    // The address of a plain tensor's numbers, if it is of this type (a DLPack code: 0 whole numbers, 2 floating point) and shape, on the CPU
    // and in one piece; else null.
    void* data(nanobind::handle object, uint8_t code, uint8_t bits, const int64_t* shape, int32_t ndim) const {
        TensorView view;
        if (!look_ || Py_TYPE(object.ptr()) != type_) return nullptr;
        if (look_(object.ptr(), &view)) {  // a kind of tensor that has no address
            PyErr_Clear();
            return nullptr;
        }
        if (view.device_type != 1 || view.ndim != ndim || view.code != code || view.bits != bits || view.lanes != 1) return nullptr;
        int64_t step = 1;
        for (int32_t k = ndim; k-- > 0; step *= shape[k])
            if (view.shape[k] != shape[k] || (view.strides && shape[k] > 1 && view.strides[k] != step)) return nullptr;
        return view.data ? static_cast<char*>(view.data) + view.byte_offset : nullptr;
    }

  private:
    struct Exchange {  // DLPackExchangeAPI
        uint32_t major, minor;
        void *previous, *allocate, *to_managed, *from_managed;
        int (*look)(void* object, TensorView* out);
    };
    PyTypeObject* type_ = nullptr;  // torch's, which lives as long as the process
    int (*look_)(void*, TensorView*) = nullptr;
};

}  // namespace elman
