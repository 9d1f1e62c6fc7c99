// What Python sees: a Plan for each cell, which runs a layer forward and backward. Addresses and sizes are checked by elman.engines.fused.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "api.hpp"

namespace nb = nanobind;
using namespace elman;
using Address = uintptr_t;
using Addresses = std::vector<Address>;

namespace elman {
#ifdef ELMAN_X86
extern const Kernels kernels_avx512, kernels_avx2;
#endif
extern const Kernels kernels_portable;
}  // namespace elman

static std::vector<const Kernels*> supported() {
    std::vector<const Kernels*> found;
#ifdef ELMAN_X86
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq"))
        found.push_back(&kernels_avx512);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) found.push_back(&kernels_avx2);
#endif
    found.push_back(&kernels_portable);
    return found;
}

static const Kernels& kernels_named(const std::string& name) {
    for (const Kernels* k : supported())
        if (name.empty() || name == k->name) return *k;
    throw std::invalid_argument("this processor can't run the " + name + " kernels");
}

struct OwnedProgram {
    std::vector<Instruction> code;
    std::vector<double> constants;
    std::vector<Slot> inputs, outputs;
    int registers;

    Program view() const {
        return {code.data(), int(code.size()), constants.data(), int(constants.size()), registers, inputs.data(), int(inputs.size()), outputs.data(), int(outputs.size())};
    }
};

using Numbers = std::vector<std::vector<int>>;

static OwnedProgram make_program(const Numbers& code, const std::vector<double>& constants, const Numbers& inputs, const Numbers& outputs, int registers) {
    if (constants.size() > 64 || registers < 0 || registers > 4096) throw std::invalid_argument("the program is too large");
    OwnedProgram p{{}, constants, {}, {}, registers};
    auto place = [&](int operand, bool written) {
        if (operand >= registers || (written && operand < 0) || operand < -int(constants.size())) throw std::invalid_argument("a register is out of range");
        return operand;
    };
    for (const auto& c : code) {
        if (c.size() != 4 || c[0] < 0 || c[0] >= int(Op::count)) throw std::invalid_argument("an instruction is malformed");
        p.code.push_back({Op(c[0]), place(c[1], true), place(c[2], false), place(c[3], false)});
    }
    for (const auto& s : inputs) p.inputs.push_back({Kind(s.at(0)), s.at(1), place(s.at(2), true)});
    for (const auto& s : outputs) p.outputs.push_back({Kind(s.at(0)), s.at(1), place(s.at(2), false)});
    return p;
}

struct Plan {
    std::vector<int> x_block, h_block;
    int states, vectors, saved;
    OwnedProgram forward, backward;

    Shape shape(int inputs, int units, const std::vector<int64_t>& sizes, const std::vector<int64_t>& starts, int64_t rows, bool reverse, int threads) const {
        int batch = sizes.empty() ? 0 : int(sizes[0]);
        return {inputs, units, int(sizes.size()), batch, rows, sizes.data(), starts.data(), reverse, int(x_block.size()), states, vectors, saved, x_block.data(), h_block.data(), threads};
    }
};

// Sizes of a call, made once for all that share them.
struct Call {
    const Plan& plan;
    const Kernels& kernels;
    bool is_double;
    std::vector<int64_t> sizes, starts;
    Shape shape;

    Call(const Plan& p, const std::string& isa, bool wide, int inputs, int units, std::vector<int64_t> batch_sizes, bool reverse, int threads)
        : plan(p), kernels(kernels_named(isa)), is_double(wide), sizes(std::move(batch_sizes)) {
        int64_t rows = 0;
        for (int64_t size : sizes) {
            if (size < 1 || (rows && size > sizes[starts.size() - 1])) throw std::invalid_argument("batch sizes must be above 0 and never grow");
            starts.push_back(rows);
            rows += size;
        }
        if (sizes.empty() || inputs < 1 || units < 1 || threads < 1) throw std::invalid_argument("an empty layer");
        shape = plan.shape(inputs, units, sizes, starts, rows, reverse, threads);
    }
    int64_t scratch(bool back) const {
        return (is_double ? kernels.scratch_f64 : kernels.scratch_f32)(shape, (back ? plan.backward : plan.forward).registers, back);
    }
};

static void* at(Address a) { return reinterpret_cast<void*>(a); }
static std::vector<void*> all_at(const Addresses& a) { return std::vector<void*>(reinterpret_cast<void* const*>(a.data()), reinterpret_cast<void* const*>(a.data()) + a.size()); }

// weights: ih, hh, bias_ih, bias_hh, vectors; 0 for none.
static void run_forward(const Call& call, Address x, int64_t x_stride, const Addresses& weights, const Addresses& initial, const Addresses& last,
                        Address y, int64_t y_stride, const Addresses& history, const Addresses& saved, Address scratch) {
    auto initials = all_at(initial), lasts = all_at(last), histories = all_at(history), saves = all_at(saved);
    Forward f{call.shape, call.plan.forward.view(), at(x), at(weights.at(0)), at(weights.at(1)), at(weights.at(2)), at(weights.at(3)), at(weights.at(4)),
              x_stride, y_stride, initials.data(), lasts.data(), at(y), histories.data(), saves.data(), at((scratch + 63) & ~Address(63))};
    nb::gil_scoped_release unlocked;
    (call.is_double ? call.kernels.forward_f64 : call.kernels.forward_f32)(f);
}

// gradients: weight_ih, weight_hh, bias_ih, bias_hh, vectors; 0 for none.
static void run_backward(const Call& call, Address x, int64_t x_stride, const Addresses& weights, const Addresses& initial, Address y, int64_t y_stride,
                         const Addresses& history, const Addresses& saved, Address grad_y, int64_t grad_stride, const Addresses& grad_last, Address dx,
                         int64_t dx_stride, bool accumulate_dx, const Addresses& gradients, const Addresses& grad_initial, Address scratch) {
    auto initials = all_at(initial), histories = all_at(history), saves = all_at(saved), lasts = all_at(grad_last), firsts = all_at(grad_initial);
    Backward b{call.shape, call.plan.backward.view(), at(x), at(weights.at(0)), at(weights.at(1)), at(weights.at(4)), x_stride, y_stride, grad_stride, dx_stride,
               initials.data(), at(y), histories.data(), saves.data(), at(grad_y), lasts.data(), at(dx), accumulate_dx,
               at(gradients.at(0)), at(gradients.at(1)), at(gradients.at(2)), at(gradients.at(3)), at(gradients.at(4)), firsts.data(), at((scratch + 63) & ~Address(63))};
    nb::gil_scoped_release unlocked;
    (call.is_double ? call.kernels.backward_f64 : call.kernels.backward_f32)(b);
}

NB_MODULE(_kernels, m) {
    nb::set_leak_warnings(false);  // plans live as long as the process
    m.doc() = "The fused engine: matrix products, time and pointwise programs.";
    m.def("instruction_sets", [] {
        std::vector<std::string> names;
        for (const Kernels* k : supported()) names.push_back(k->name);
        return names;
    }, "Builds that this processor can run, fastest first.");
    nb::class_<Plan>(m, "Plan").def("__init__", [](Plan* p, std::vector<int> x_block, std::vector<int> h_block, int states, int vectors, int saved,
                                                   const Numbers& fc, const std::vector<double>& fk, const Numbers& fi, const Numbers& fo, int fr,
                                                   const Numbers& bc, const std::vector<double>& bk, const Numbers& bi, const Numbers& bo, int br) {
        if (states < 1 || states > 64 || x_block.size() != h_block.size()) throw std::invalid_argument("a cell has 1 to 64 states");
        new (p) Plan{std::move(x_block), std::move(h_block), states, vectors, saved, make_program(fc, fk, fi, fo, fr), make_program(bc, bk, bi, bo, br)};
    });
    nb::class_<Call>(m, "Call")
        .def(nb::init<const Plan&, const std::string&, bool, int, int, std::vector<int64_t>, bool, int>(), nb::keep_alive<1, 2>())
        .def("scratch", &Call::scratch)
        .def("forward", &run_forward)
        .def("backward", &run_backward);
}
