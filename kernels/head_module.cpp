// What Python sees of the end of a language model: the cross entropy of linear logits, and its gradients.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "memory.hpp"
#include "plan.hpp"
#include "torch_tensor.hpp"

namespace nb = nanobind;
using namespace elman;

// One batch: rows [N, units], weight [symbols, units], bias [symbols] or None, targets [N]. It keeps ∂/∂logits and nothing of torch's.
class HeadOfRows {
  public:
    HeadOfRows(const std::string& isa, int threads) : kernels_(kernels_named(isa)) {
        if (threads < 1) throw std::invalid_argument("there must be a thread");
        most_threads_ = forked ? 1 : threads;
    }
    // The sum of -ln p(target); None where a tensor is not as the kernels read it.
    nb::object forward(nb::handle rows, nb::handle weight, nb::handle bias, nb::handle targets) {
        if (!look(rows, weight, bias, targets)) return nb::none();
        for (int64_t r = 0; r < call_.rows; ++r)
            if (call_.targets[r] < -1 || call_.targets[r] >= call_.symbols) throw nb::index_error("a target is no symbol's number");
        double nats = 0;
        {
            const nb::gil_scoped_release unlocked;
            records_ = Memory(passes_->record_bytes(call_));
            const Memory scratch(passes_->scratch_bytes(call_));
            call_.nats = &nats, call_.records = records_.data(), call_.scratch = scratch.data();
            passes_->forward(call_);
        }
        return nb::float_(nats);
    }
    // Gradients of rows, weight and bias, None for those that are not asked for.
    nb::object backward(nb::handle rows, nb::handle weight, nb::handle bias, nb::handle targets, double scale, bool of_rows, bool of_weight, bool of_bias) {
        const int64_t count = call_.rows, units = call_.units, symbols = call_.symbols;
        if (!records_.data()) throw std::invalid_argument("nothing was computed going forward");
        if (!look(rows, weight, bias, targets) || call_.rows != count || call_.units != units || call_.symbols != symbols) throw std::invalid_argument("other tensors than those that went forward");
        HeadCall call = call_;
        call.scale = scale;
        static PyObject* const new_empty = PyUnicode_InternFromString("new_empty");
        nb::object found[3] = {nb::none(), nb::none(), nb::none()};
        auto make = [&](int k, nb::handle like, const std::vector<int64_t>& axes) -> void* {
            found[k] = made(like, new_empty, axes);
            return address(found[k], axes);
        };
        call.dx = of_rows ? make(0, rows, {count, units}) : nullptr;
        call.dweight = of_weight ? make(1, rows, {symbols, units}) : nullptr;
        call.dbias = of_bias && !bias.is_none() ? make(2, rows, {symbols}) : nullptr;
        {
            const nb::gil_scoped_release unlocked;
            const Memory scratch(passes_->scratch_bytes(call));
            call.records = records_.data(), call.scratch = scratch.data();
            if (forked) call.threads = 1;
            passes_->backward(call);
        }
        return nb::make_tuple(found[0], found[1], found[2]);
    }

  private:
    void* address(nb::handle tensor, const std::vector<int64_t>& axes) const { return tensors.data(tensor, 2, uint8_t(8 * passes_->number_bytes), axes.data(), int32_t(axes.size())); }
    bool look(nb::handle rows, nb::handle weight, nb::handle bias, nb::handle targets) {
        TensorView x, w;
        for (const HeadPasses* passes : {&kernels_.head_f32, &kernels_.head_f64}) {
            if (!tensors.look(rows, 2, uint8_t(8 * passes->number_bytes), x) || !tensors.look(weight, 2, uint8_t(8 * passes->number_bytes), w)) continue;
            passes_ = passes;
            if (x.ndim != 2 || w.ndim != 2 || x.shape[1] != w.shape[1] || x.shape[0] < 1 || x.shape[1] < 1 || w.shape[0] < 1) return false;
            if (!x.strides || (x.shape[1] > 1 && x.strides[1] != 1) || !w.in_one_piece()) return false;
            call_.rows = x.shape[0], call_.units = x.shape[1], call_.symbols = w.shape[0];
            call_.x = x.address(), call_.x_stride = x.strides[0], call_.weight = w.address();
            call_.bias = bias.is_none() ? nullptr : address(bias, {call_.symbols});
            call_.targets = static_cast<const int64_t*>(tensors.data(targets, 0, 64, &call_.rows, 1));
            const double products = double(call_.rows) * double(call_.units) * double(call_.symbols);
            call_.threads = products < 2e5 ? 1 : int(std::min<int64_t>(most_threads_, call_.rows));  // less than waking a thread costs
            return call_.x && call_.weight && call_.targets && (call_.bias || bias.is_none());
        }
        return false;
    }
    const Kernels& kernels_;
    int most_threads_;
    const HeadPasses* passes_ = nullptr;
    HeadCall call_{};
    Memory records_;
};

void bind_head(nb::module_& m) {
    nb::class_<HeadOfRows>(m, "HeadOfRows")
        .def(nb::init<const std::string&, int>())
        .def("forward", &HeadOfRows::forward, nb::arg(), nb::arg(), nb::arg().none(), nb::arg())
        .def("backward", &HeadOfRows::backward, nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg());
}
