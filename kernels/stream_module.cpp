// What Python sees of a stream. Addresses and sizes are checked by elman.engines.streaming.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "plan.hpp"
#include "torch_tensor.hpp"

namespace nb = nanobind;
using namespace elman;
using Address = uintptr_t;
using Addresses = std::vector<Address>;

static void* at(Address a) { return reinterpret_cast<void*>(a); }

[[noreturn]] static void complain(const char* error, const std::string& message) {
    PyErr_SetString(nb::module_::import_("elman.errors").attr(error).ptr(), message.c_str());
    throw nb::python_error();
}

class Stream {
  public:
    // numbers: "float32", "float64" or "bf16". weights: ih, hh, bias_ih, bias_hh, vectors of each layer; 0 for none. symbols: 0 for rows of
    // numbers. The addresses are read here and not kept.
    Stream(const Plan& plan, const std::string& isa, const std::string& numbers, int inputs, int units, int batch, int threads, const Addresses& weights,
           int symbols, Address told, Address table, Address embedding, Address head, Address head_bias)
        : streaming_(of(kernels_named(isa), numbers)), program_(plan.forward), x_block_(plan.x_block), h_block_(plan.h_block), view_(program_.view()) {
        const int layers = int(weights.size() / 5);
        if (weights.size() % 5 || layers < 1 || inputs < (symbols && !embedding ? 0 : 1) || units < 1 || batch < 1 || threads < 1 || symbols < 0) throw std::invalid_argument("an empty stream");
        int64_t x = 0, h = 0;
        for (int block : x_block_) x += block >= 0;
        for (int block : h_block_) h += block >= 0;
        const int64_t numbers_read = units * (x * inputs + ((layers - 1) * x + layers * h) * units + int64_t(symbols));
        // A thread more pays for the waiting from a quarter of a megabyte of weights on; rows that share them count too.
        const double work = double(numbers_read) * (numbers == "bf16" ? 2 : streaming_.number_bytes) * (1 + batch / 4);
        threads_ = int(std::clamp(work / 262144, 1.0, double(threads)));
        shape_ = {&view_, inputs, units, batch, layers, int(x_block_.size()), int(plan.history.size()), plan.vectors, x_block_.data(), h_block_.data(), symbols,
                  symbols && !embedding, told != 0, threads_};
        memory_.reset(std::calloc(1, size_t(streaming_.bytes(shape_))));
        if (!memory_) throw std::bad_alloc();
        base_ = at((reinterpret_cast<Address>(memory_.get()) + 63) & ~Address(63));
        std::vector<Weights> each;
        for (int l = 0; l < layers; ++l) each.push_back({at(weights[5 * l]), at(weights[5 * l + 1]), at(weights[5 * l + 2]), at(weights[5 * l + 3]), at(weights[5 * l + 4])});
        streaming_.make(shape_, {each.data(), at(told), at(table), at(embedding), at(head), at(head_bias)}, base_);
    }
    Stream(const Stream&) = delete;

    // What `step` makes its results like: `blank` is a tensor [B, H or V], `empty_like` torch's.
    void give_results_as(nb::object blank, nb::object empty_like) {
        blank_ = std::move(blank);
        empty_like_ = std::move(empty_like);
    }
    // One step of rows x [B, I] or of symbols [B], into `out` or a new tensor; None where either is not plain enough to be looked at here.
    nb::object step(nb::handle x, nb::object out) {
        const int64_t in_shape[2] = {shape_.batch, shape_.inputs}, out_shape[2] = {shape_.batch, shape_.symbols ? shape_.symbols : shape_.units};
        const uint8_t bits = uint8_t(8 * streaming_.number_bytes);
        void* from = shape_.symbols ? tensors.data(x, 0, 64, in_shape, 1) : tensors.data(x, 2, bits, in_shape, 2);
        if (!from) return nb::none();
        if (out.is_none()) {
            PyObject* arguments[] = {blank_.ptr()};
            out = nb::steal(PyObject_Vectorcall(empty_like_.ptr(), arguments, 1, nullptr));
            if (!out.is_valid()) throw nb::python_error();
        }
        void* to = tensors.data(out, 2, bits, out_shape, 2);
        if (!to) return nb::none();
        step_at(Address(from), Address(to));
        return out;
    }
    void step_at(Address x, Address y) {
        if (!shape_.symbols) {
            check_idle();
            return streaming_.step(base_, threads(), at(x), at(y));
        }
        Passage p{};
        read_into(p, x, 1);
        streaming_.pass(base_, threads(), p);
        streaming_.logits(base_, at(y));
    }
    // Reads symbols [steps, B]; comes back after `seconds` and says how many steps were made.
    int64_t read(Address tokens, int64_t steps, double seconds) {
        Passage p{};
        read_into(p, tokens, steps);
        p.seconds = seconds;
        return pass(p);
    }
    // Draws symbols into [steps, B] and reads them: how many steps were made, and whether all texts have ended, or no more can be drawn.
    std::tuple<int64_t, bool, bool> draw(Address tokens, int64_t steps, Address uniforms, Address ended, double temperature, int64_t top_k, double top_p, int64_t never, int64_t stop, double seconds) {
        check_idle();
        Passage p{steps, static_cast<int64_t*>(at(tokens)), static_cast<const double*>(at(uniforms)), {temperature, top_k, top_p, never, stop},
                  static_cast<uint8_t*>(at(ended)), seconds, false};
        const int64_t made = pass(p);
        return {made, std::all_of(p.ended, p.ended + shape_.batch, [](uint8_t one) { return one != 0; }), p.broken};
    }
    void logits(Address to) const {
        check_idle();
        streaming_.logits(base_, at(to));
    }
    void get_state(const Addresses& to) const {
        check_idle();
        for (size_t k = 0; k < to.size() && int(k) < shape_.states; ++k) streaming_.get_state(base_, int(k), at(to[k]));
    }
    void set_state(const Addresses& from) {
        check_idle();
        for (int k = 0; k < shape_.states; ++k) streaming_.set_state(base_, k, k < int(from.size()) ? at(from[k]) : nullptr);
    }
    int threads() const { return forked ? 1 : threads_; }

  private:
    static const Streaming& of(const Kernels& kernels, const std::string& numbers) {
        if (numbers == "bf16") return kernels.stream_bf16;
        return numbers == "float64" ? kernels.stream_f64 : kernels.stream_f32;
    }
    void check_idle() const {
        if (busy_) complain("EngineError", "this stream is at work in another thread; make a stream for each thread");
    }
    void read_into(Passage& p, Address tokens, int64_t steps) const {
        check_idle();
        p.steps = steps;
        p.tokens = static_cast<int64_t*>(at(tokens));
        for (int64_t k = 0; k < steps * shape_.batch; ++k)
            if (p.tokens[k] < 0 || p.tokens[k] >= shape_.symbols)
                complain("InputError", std::to_string(p.tokens[k]) + " is not a symbol's number: they go from 0 to " + std::to_string(shape_.symbols - 1));
    }
    int64_t pass(Passage& p) {
        busy_ = true;
        int64_t made;
        {
            const nb::gil_scoped_release unlocked;
            made = streaming_.pass(base_, threads(), p);
        }
        busy_ = false;
        return made;
    }
    struct Free {
        void operator()(void* memory) const { std::free(memory); }
    };
    const Streaming& streaming_;
    const OwnedProgram program_;
    const std::vector<int> x_block_, h_block_;
    const Program view_;
    StreamShape shape_;
    int threads_;
    bool busy_ = false;
    std::unique_ptr<void, Free> memory_;
    void* base_;
    nb::object blank_, empty_like_;
};

void bind_stream(nb::module_& m) {
    nb::class_<Stream>(m, "Stream")
        .def(nb::init<const Plan&, const std::string&, const std::string&, int, int, int, int, const Addresses&, int, Address, Address, Address, Address, Address>())
        .def("give_results_as", &Stream::give_results_as)
        .def("step", &Stream::step, nb::arg().none(), nb::arg().none())
        .def("step_at", &Stream::step_at)
        .def("read", &Stream::read)
        .def("draw", &Stream::draw)
        .def("logits", &Stream::logits)
        .def("get_state", &Stream::get_state)
        .def("set_state", &Stream::set_state)
        .def_prop_ro("threads", &Stream::threads);
}
