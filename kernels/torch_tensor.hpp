// Looks at torch's tensors from C++ without being linked to torch: through DLPack's C interface (1.2), which their type carries from torch
// 2.10 on. Asking a tensor for its shape, type and address in Python takes longer than a step of a small layer.
#pragma once
#include <nanobind/nanobind.h>

#include <cstdint>
#include <vector>

namespace elman {

struct TensorView {  // DLTensor
    void* data;
    int32_t device_type, device_id;
    int32_t ndim;
    uint8_t code, bits;
    uint16_t lanes;
    int64_t *shape, *strides;
    uint64_t byte_offset;

    void* address() const { return data ? static_cast<char*>(data) + byte_offset : nullptr; }
    bool has_shape(const int64_t* wanted, int32_t axes) const {
        if (ndim != axes) return false;
        for (int32_t k = 0; k < axes; ++k)
            if (shape[k] != wanted[k]) return false;
        return true;
    }
    bool in_one_piece() const {
        int64_t step = 1;
        for (int32_t k = ndim; k-- > 0; step *= shape[k])
            if (strides && shape[k] > 1 && strides[k] != step) return false;
        return true;
    }
};

class TensorLooker {
  public:
    // Of tensors of these types alone (torch.Tensor, torch.nn.Parameter): others may be something else than their numbers.
    void look_at(nanobind::handle tensor_type, nanobind::handle parameter_type) {
        const nanobind::object capsule = nanobind::getattr(tensor_type, "__dlpack_c_exchange_api__", nanobind::none());
        if (!PyCapsule_IsValid(capsule.ptr(), "dlpack_exchange_api")) return;
        const auto* found = static_cast<const Exchange*>(PyCapsule_GetPointer(capsule.ptr(), "dlpack_exchange_api"));
        if (found->major != 1) return;
        look_ = found->look;
        types_[0] = reinterpret_cast<PyTypeObject*>(tensor_type.ptr());
        types_[1] = reinterpret_cast<PyTypeObject*>(parameter_type.ptr());
    }
    // Whether it is a tensor on the CPU whose numbers are of this type (a DLPack code: 0 whole numbers, 2 floating point).
    bool look(nanobind::handle object, uint8_t code, uint8_t bits, TensorView& view) const {
        PyTypeObject* type = Py_TYPE(object.ptr());
        if (!look_ || (type != types_[0] && type != types_[1])) return false;
        if (look_(object.ptr(), &view)) {  // a kind of tensor that has no address
            PyErr_Clear();
            return false;
        }
        return view.device_type == 1 && view.code == code && view.bits == bits && view.lanes == 1;
    }
    // The address of a tensor's numbers, if it is also of this shape and in one piece; else null.
    void* data(nanobind::handle object, uint8_t code, uint8_t bits, const int64_t* shape, int32_t axes) const {
        TensorView view;
        return look(object, code, bits, view) && view.has_shape(shape, axes) && view.in_one_piece() ? view.address() : nullptr;
    }

  private:
    struct Exchange {  // DLPackExchangeAPI
        uint32_t major, minor;
        void *previous, *allocate, *to_managed, *from_managed;
        int (*look)(void* object, TensorView* out);
    };
    PyTypeObject* types_[2] = {};  // torch's, which live as long as the process
    int (*look_)(void*, TensorView*) = nullptr;
};

inline TensorLooker tensors;

// `like.name(size, ...)`, such as new_empty.
inline nanobind::object made(nanobind::handle like, PyObject* name, const std::vector<int64_t>& sizes) {
    PyObject* arguments[8] = {like.ptr()};
    size_t count = 1;
    for (int64_t size : sizes) arguments[count++] = PyLong_FromLongLong(size);
    PyObject* result = PyObject_VectorcallMethod(name, arguments, count, nullptr);
    while (--count > 0) Py_XDECREF(arguments[count]);
    if (!result) throw nanobind::python_error();
    return nanobind::steal(result);
}

}  // namespace elman
