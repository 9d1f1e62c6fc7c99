// What Python sees: a Plan for each cell, which runs a layer forward and backward. Addresses and sizes are checked by elman.engines.fused.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <pthread.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "api.hpp"
#include "memory.hpp"
#include "packed_weights.hpp"
#include "plan.hpp"

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

// The fastest product of bfloat16 pairs that goes with a build.
using PairsFunction = void (*)(const PairProduct&);
#ifdef ELMAN_X86
namespace elman {
bool request_matrix_tiles();
void multiply_pairs_in_tiles(const PairProduct&);
void multiply_pairs_by_dots(const PairProduct&);
}  // namespace elman
static PairsFunction fastest_pairs() {
    if (__builtin_cpu_supports("amx-bf16") && __builtin_cpu_supports("amx-tile") && request_matrix_tiles()) return multiply_pairs_in_tiles;
    // Intel's processors have the instruction too, at half the speed of float32.
    return __builtin_cpu_supports("avx512bf16") && __builtin_cpu_is("amd") ? multiply_pairs_by_dots : kernels_avx512.multiply_pairs;
}
#endif
static PairsFunction pairs_for(const Kernels& kernels) {
#ifdef ELMAN_X86
    static const PairsFunction fastest = fastest_pairs();
    if (&kernels == &kernels_avx512) return fastest;
#endif
    return kernels.multiply_pairs;
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

static void* at(Address a) { return reinterpret_cast<void*>(a); }

// What is recorded going forward for going back, in memory of its own or in somebody else's.
struct Records {
    Memory memory;
    void* data;
    int64_t bytes;
    explicit Records(int64_t size) : memory(size), data(memory.data()), bytes(size) {}
    Records(Address given, int64_t size) : data(at(given)), bytes(size) {}
};

static std::vector<void*> all_at(const Addresses& a) {
    std::vector<void*> found;
    for (Address one : a) found.push_back(at(one));
    return found;
}
static std::array<Weights, 2> weights_at(const Addresses& a) {  // ih, hh, bias_ih, bias_hh, vectors of each direction; 0 for none
    std::array<Weights, 2> found{};
    for (size_t d = 0; d < 2 && 5 * d + 4 < a.size(); ++d) found[d] = {at(a[5 * d]), at(a[5 * d + 1]), at(a[5 * d + 2]), at(a[5 * d + 3]), at(a[5 * d + 4])};
    return found;
}

// One call of a layer: its sizes, how the work is dealt out, and going forward and back.
class Call {
  public:
    Call(const Plan& plan, const std::string& isa, const std::string& numbers, int inputs, int units, int directions, std::vector<int64_t> batch_sizes, int threads)
        : plan_(plan), kernels_(kernels_named(isa)), engine_(numbers == "bf16" ? kernels_.bf16 : numbers == "float64" ? kernels_.f64 : kernels_.f32), sizes_(std::move(batch_sizes)) {
        int64_t rows = 0;
        for (int64_t size : sizes_) {
            if (size < 1 || size > INT32_MAX || (rows && size > sizes_[starts_.size() - 1])) throw std::invalid_argument("batch sizes must be above 0 and never grow");
            starts_.push_back(rows);
            rows += size;
        }
        if (sizes_.empty() || inputs < 1 || units < 1 || threads < 1 || directions < 1 || directions > 2) throw std::invalid_argument("an empty layer");
        const double products = double(rows) * units * (inputs + units) * double(plan.x_block.size()) * directions;
        if (products < 2e5) threads = 1;  // less than waking a thread costs
        const int batch = int(sizes_[0]), each = std::max(1, std::min(threads / directions, batch));
        int recorded = plan.saved;
        for (int k : plan.history) recorded += k >= 0;
        // Sums over rows are shared also where the sequences are too few to be.
        if (each * directions < threads && products < 2e6) threads = each * directions;
        shape_ = {inputs, units, int(sizes_.size()), batch, directions, rows, sizes_.data(), starts_.data(), int(plan.x_block.size()), int(plan.history.size()),
                  plan.vectors, plan.saved, plan.history.data(), recorded, plan.x_block.data(), plan.h_block.data(), each, threads, pairs_for(kernels_)};
    }

    // Returns what going back needs if `recording`, which lies at `records_at` if that is given. Addresses as in Forward; `keep`: the same weights may come again.
    std::unique_ptr<Records> forward(PackedWeights& packed_weights, bool keep, bool recording, Address x, int64_t x_stride, const Addresses& weights, const Addresses& initial,
                                     const Addresses& last, Address y, int64_t y_stride, Address tokens, int64_t table_rows, Address records_at) const {
        check(weights, initial, last);
        const int64_t* symbols = checked(tokens, table_rows);
        auto initials = all_at(initial), lasts = all_at(last);
        const auto w = weights_at(weights);
        const Shape shape = shape_here();
        const nb::gil_scoped_release unlocked;
        const auto packed = packed_weights.get(kernels_, engine_, shape, w.data(), keep);
        std::unique_ptr<Records> records;
        if (recording) records = records_at ? std::make_unique<Records>(records_at, record_bytes()) : std::make_unique<Records>(record_bytes());
        Forward f{shape, plan_.forward.view(), {packed->data(), static_cast<char*>(packed->data()) + PackedWeights::bytes(engine_, shape_)}, at(x), x_stride, y_stride,
                  symbols, initials.data(), lasts.data(), at(y), records ? records->data : nullptr, nullptr};
        const Memory scratch(engine_.forward.scratch_bytes(shape_, f.program));
        f.scratch = scratch.data();
        engine_.forward.run(f);
        return records;
    }

    void backward(const Records& records, Address x, int64_t x_stride, const Addresses& weights, const Addresses& initial, Address y, int64_t y_stride, Address grad_y,
                  int64_t grad_stride, const Addresses& grad_last, Address dx, int64_t dx_stride, const Addresses& gradients, const Addresses& grad_initial, Address tokens,
                  int64_t table_rows) const {
        check(weights, initial, grad_last);
        check(gradients, grad_initial, grad_last);
        if (records.bytes != record_bytes()) throw std::invalid_argument("the records of another call");
        const int64_t* symbols = checked(tokens, table_rows);  // again: they may have been written to
        auto initials = all_at(initial), lasts = all_at(grad_last), firsts = all_at(grad_initial);
        const auto w = weights_at(weights), g = weights_at(gradients);
        auto out = [](const Weights& a) { return Gradients{const_cast<void*>(a.ih), const_cast<void*>(a.hh), const_cast<void*>(a.bias_ih), const_cast<void*>(a.bias_hh), const_cast<void*>(a.vectors)}; };
        const Shape shape = shape_here();
        const nb::gil_scoped_release unlocked;
        Backward b{shape, plan_.backward.view(), {w[0], w[1]}, at(x), x_stride, y_stride, grad_stride, dx_stride,
                   symbols, table_rows, initials.data(), at(y), records.data, at(grad_y),
                   lasts.data(), at(dx), {out(g[0]), out(g[1])}, firsts.data(), nullptr};
        const Memory scratch(engine_.backward.scratch_bytes(shape_, b.program));
        b.scratch = scratch.data();
        engine_.backward.run(b);
    }

    int64_t record_bytes() const { return engine_.record_bytes(shape_); }
    int panel() const { return engine_.panel; }

  private:
    Shape shape_here() const {  // a call may be made before a fork, and run or go back after it; its parts stay, as records lie by them
        Shape shape = shape_;
        if (forked) shape.threads = 1;
        return shape;
    }
    const int64_t* checked(Address tokens, int64_t table_rows) const {
        const auto* symbols = static_cast<const int64_t*>(at(tokens));
        for (int64_t row = 0; symbols && row < shape_.rows; ++row)
            if (symbols[row] < 0 || symbols[row] >= table_rows) throw nb::index_error("a token is outside the table");
        return symbols;
    }
    void check(const Addresses& weights, const Addresses& states, const Addresses& more_states) const {
        const size_t count = plan_.history.size();
        if (weights.size() != size_t(5 * shape_.directions) || states.size() != count || more_states.size() != count) throw std::invalid_argument("another number of weights or states");
    }
    const Plan& plan_;
    const Kernels& kernels_;
    const Engine& engine_;
    std::vector<int64_t> sizes_, starts_;
    Shape shape_;
};

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

NB_MODULE(_kernels, m) {
    nb::set_leak_warnings(false);  // plans live as long as the process
    m.doc() = "The fused engine: matrix products, time and pointwise programs.";
    m.def("instruction_sets", [] {
        std::vector<std::string> names;
        for (const Kernels* k : supported()) names.push_back(k->name);
        return names;
    }, "Builds that this processor can run, fastest first.");
    pthread_atfork(nullptr, nullptr, [] { forked = true; });
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
    nb::class_<Records>(m, "Records").def(nb::init<Address, int64_t>());
    nb::class_<Call>(m, "Call")
        .def(nb::init<const Plan&, const std::string&, const std::string&, int, int, int, std::vector<int64_t>, int>(), nb::keep_alive<1, 2>())
        .def_prop_ro("record_bytes", &Call::record_bytes)
        .def_prop_ro("panel", &Call::panel)
        .def("forward", &Call::forward)
        .def("backward", &Call::backward);
    bind_stream(m);
}
