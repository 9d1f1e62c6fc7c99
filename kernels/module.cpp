// What Python sees: a Plan for each cell, which runs a layer forward and backward.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <pthread.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "layer_call.hpp"

namespace nb = nanobind;
using namespace elman;

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

#ifdef ELMAN_X86
namespace elman {
bool request_matrix_tiles();
extern const Pairs pairs_in_tiles, pairs_by_dots;
}  // namespace elman
static const Pairs& fastest_pairs() {
    if (__builtin_cpu_supports("amx-bf16") && __builtin_cpu_supports("amx-tile") && request_matrix_tiles()) return pairs_in_tiles;
    // Intel's processors have the instruction too, at half the speed of float32.
    return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_is("amd") ? pairs_by_dots : kernels_avx512.pairs;
}
#endif
const Pairs& elman::pairs_for(const Kernels& kernels) {
#ifdef ELMAN_X86
    static const Pairs& fastest = fastest_pairs();
    if (&kernels == &kernels_avx512) return fastest;
#endif
    return kernels.pairs;
}

const Kernels& elman::kernels_named(const std::string& name) {
    for (const Kernels* k : supported())
        if (name.empty() || name == k->name) return *k;
    throw std::invalid_argument("this processor can't run the " + name + " kernels");
}

using Numbers = std::vector<std::vector<int>>;

static OwnedProgram make_program(const Numbers& code, const std::vector<double>& constants, const Numbers& inputs, const Numbers& outputs, int registers) {
    if (constants.size() > 64 || registers < 0 || registers > 4096 || code.size() > 65536) throw std::invalid_argument("the program is too large");
    OwnedProgram p{{}, constants, {}, {}, registers};
    auto place = [&](int operand, bool written) {
        if (operand >= registers || (written && operand < 0) || operand < -int(constants.size())) throw std::invalid_argument("a register is out of range");
        return operand;
    };
    for (const auto& c : code) {
        if (c.size() != 4 || c[0] < 0 || c[0] >= int(Op::count)) throw std::invalid_argument("an instruction is malformed");
        if (c[1] < int(inputs.size())) throw std::invalid_argument("an instruction writes to an input");
        p.code.push_back({Op(c[0]), place(c[1], true), place(c[2], false), place(c[3], false)});
    }
    for (const auto& s : inputs) {
        if (s.at(2) != int(p.inputs.size())) throw std::invalid_argument("inputs must have the first registers, in order");
        p.inputs.push_back({Kind(s.at(0)), s.at(1), place(s.at(2), true)});
    }
    for (const auto& s : outputs) p.outputs.push_back({Kind(s.at(0)), s.at(1), place(s.at(2), false)});
    return p;
}

static double run_peak(const std::string& isa, int threads, double seconds, bool bf16) {
    const Kernels& kernels = kernels_named(isa);
    if (threads < 1 || !(seconds >= 0 && seconds <= 60)) throw std::invalid_argument("a peak is measured with 1 or more threads, for 0 to 60 seconds");
#ifdef ELMAN_X86
    if (bf16 && !__builtin_cpu_supports("avx512bf16")) return 0;
#endif
    if (forked) threads = 1;
    auto peak = bf16 ? kernels.peak_bf16 : kernels.peak_f32;
    nb::gil_scoped_release unlocked;
    return peak ? peak(threads, seconds) : 0;
}

void bind_stream(nb::module_& m);  // stream_module.cpp
void bind_head(nb::module_& m);    // head_module.cpp

NB_MODULE(_kernels, m) {
    nb::set_leak_warnings(false);  // plans live as long as the process
    m.doc() = "The fused engine: matrix products, time and pointwise programs.";
    m.def("instruction_sets", [] {
        std::vector<std::string> names;
        for (const Kernels* k : supported()) names.push_back(k->name);
        return names;
    }, "Builds that this processor can run, fastest first.");
    pthread_atfork(nullptr, nullptr, [] { forked = true; });
    m.def("look_at", [](nb::handle tensor, nb::handle parameter) { tensors.look_at(tensor, parameter); }, "torch's types, whose numbers are read.");
    m.def("peak", &run_peak, nb::arg("isa"), nb::arg("threads"), nb::arg("seconds"), nb::arg("bf16") = false,
          "Operations a second of multiply-adds on registers alone; 0 for bfloat16 where there is no such instruction.");
    nb::class_<Plan>(m, "Plan").def("__init__", [](Plan* p, std::vector<int> x_block, std::vector<int> h_block, std::vector<int> history, int vectors, int saved,
                                                   const Numbers& fc, const std::vector<double>& fk, const Numbers& fi, const Numbers& fo, int fr,
                                                   const Numbers& bc, const std::vector<double>& bk, const Numbers& bi, const Numbers& bo, int br) {
        Plan plan{std::move(x_block), std::move(h_block), std::move(history), vectors, saved, make_program(fc, fk, fi, fo, fr), make_program(bc, bk, bi, bo, br)};
        plan.check();
        new (p) Plan(std::move(plan));
    });
    nb::class_<PackedWeights>(m, "PackedWeights").def(nb::init<>());
    nb::class_<Records>(m, "Records").def(nb::init<uintptr_t, int64_t>());
    nb::class_<LayerCall>(m, "LayerCall")
        .def(nb::init<const Plan&, const std::string&, const std::string&, int, int, int, std::vector<int64_t>, int>(), nb::keep_alive<1, 2>())
        .def_prop_ro("record_bytes", &LayerCall::record_bytes)
        .def_prop_ro("panel", &LayerCall::panel)
        .def("fits", &LayerCall::fits, nb::arg(), nb::arg().none(), nb::arg(), nb::arg())
        .def("forward", &LayerCall::forward, nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg(), nb::arg())
        .def("backward", &LayerCall::backward, nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg());
    bind_stream(m);
    bind_head(m);
}
