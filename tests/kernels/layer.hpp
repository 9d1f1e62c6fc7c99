// One layer as the engine runs it: buffers of exactly the right length, calls forward and back, and what came out by name.
#pragma once
#include <cmath>
#include <cstdio>
#include <thread>

#include "case.hpp"
#include "packed_weights.hpp"


inline int problems = 0;
inline std::string where;

inline void complain(const std::string& what) {
    std::printf("%s: %s\n", where.c_str(), what.c_str());
    ++problems;
}

struct Named {
    std::string name;
    Numbers numbers;
};

inline Values make_values(const Plan& p, const Case& c, unsigned seed) {
    std::mt19937 random(seed);
    auto some = [&](int64_t count, double size) {
        Numbers found(count);
        for (double& one : found) one = float(std::uniform_real_distribution<double>(-size, size)(random));  // the same in both precisions
        return found;
    };
    Values v;
    const int64_t H = c.units, x = Plan::used(p.x_block), h = Plan::used(p.h_block);
    v.x = some(c.table ? c.table * c.directions * x * H : c.rows * c.inputs, 1.5);
    for (int d = 0; d < c.directions; ++d) {
        if (!c.table) v.weights[d][0] = some(x * H * c.inputs, 1.3 / std::sqrt(c.inputs));
        v.weights[d][1] = some(h * H * H, 1.3 / std::sqrt(H));
        if (c.has(BIAS) && !c.table) v.weights[d][2] = some(x * H, 0.5);
        if (c.has(BIAS)) v.weights[d][3] = some(h * H, 0.5);
        v.weights[d][4] = some(p.vectors * H, 0.9);
    }
    for (size_t k = 0; k < p.history.size(); ++k) v.states.push_back(some(c.directions * c.batch() * H, 0.8));
    if (c.has(GRAD_Y)) v.y = some(c.rows * c.directions * H, 1);
    return v;
}

template <class Real>
struct Layer {  // one layer's buffers and calls
    const Engine& engine;
    const Plan& p;
    const Case& c;
    const Values &given, &sent;
    Shape shape{};
    std::vector<std::unique_ptr<Buffer<Real>>> kept;
    std::vector<Named> found;

    const Buffer<Real>* keep(Buffer<Real> buffer) {
        kept.push_back(std::make_unique<Buffer<Real>>(std::move(buffer)));
        return kept.back().get();
    }
    Real* full(const Numbers& from, int64_t width = 1, int64_t stride = 1) { return from.empty() ? nullptr : keep({from, width, stride})->data.get(); }
    Real* empty(int64_t count) { return count ? keep(Buffer<Real>(count))->data.get() : nullptr; }

    // What was written, and that nothing was between the lines.
    void note(const std::string& name, const Real* from, int64_t lines, int64_t width, int64_t stride) {
        Named one{name, {}};
        for (int64_t at = 0; at < (lines - 1) * stride + width; ++at) {
            if (at % stride < width) one.numbers.push_back(from[at]);
            else if (from[at] == from[at]) return complain(name + ": written between two rows");
        }
        found.push_back(one);
    }

    Layer(const Engine& chosen, const Pairs* pairs, const Plan& plan, const Case& sizes, const Values& v, const Values& g)
        : engine(chosen), p(plan), c(sizes), given(v), sent(g) {
        shape.inputs = c.inputs, shape.units = c.units, shape.steps = c.steps(), shape.batch = c.batch(), shape.directions = c.directions;
        shape.rows = c.rows, shape.batch_sizes = c.sizes.data(), shape.starts = c.starts.data();
        shape.columns = int(p.x_block.size()), shape.states = int(p.history.size()), shape.vectors = p.vectors, shape.saved = p.saved;
        shape.history = p.history.data(), shape.recorded = p.saved + Plan::used(p.history), shape.x_block = p.x_block.data(), shape.h_block = p.h_block.data();
        shape.parts = c.parts, shape.threads = c.threads;
        shape.pairs = pairs;
    }

    void run(const Kernels& kernels) {
        const int64_t H = c.units, gap = c.has(GAPS) ? 3 : 0;
        const int64_t x_rows = c.table ? c.table : c.rows, x_width = given.x.size() / x_rows, x_stride = x_width + gap;
        const int64_t y_width = c.directions * H, y_stride = y_width + gap, state = c.directions * c.batch() * H;
        std::vector<const void*> initial, grad_last;
        std::vector<void*> last, grad_initial;
        for (size_t k = 0; k < given.states.size(); ++k) {
            initial.push_back(full(given.states[k]));
            grad_last.push_back(sent.states.empty() ? nullptr : full(sent.states[k]));
            last.push_back(empty(state));
            grad_initial.push_back(empty(state));
        }
        Forward f{};
        f.shape = shape, f.program = p.forward.view(), f.tokens = c.table ? c.tokens.data() : nullptr, f.x = full(given.x, x_width, x_stride), f.x_stride = x_stride, f.y_stride = y_stride;
        f.initial = initial.data(), f.last = last.data(), f.y = empty((c.rows - 1) * y_stride + y_width);
        Weights weights[2]{};
        const Space packed[2] = {Space(engine.packed_bytes(shape)), Space(engine.packed_bytes(shape))};
        for (int d = 0; d < c.directions; ++d) {
            const auto& w = given.weights[d];
            weights[d] = {full(w[0]), full(w[1]), full(w[2]), full(w[3]), full(w[4])};
            engine.pack(shape, weights[d], packed[d].data);
            f.packed[d] = packed[d].data;
        }
        const Space records(engine.record_bytes(shape)), scratch(engine.forward.scratch_bytes(shape, f.program));
        f.records = c.has(RECORDS) ? records.data : nullptr, f.scratch = scratch.data;
        engine.forward.run(f);
        note("y", static_cast<Real*>(f.y), c.rows, y_width, y_stride);
        for (size_t k = 0; k < last.size(); ++k) note("final state " + std::to_string(k), static_cast<Real*>(last[k]), 1, state, state);
        if (c.has(CROWD)) crowd(kernels, f, weights);
        if (!c.has(RECORDS)) return;

        Backward b{};
        b.shape = shape, b.program = p.backward.view(), b.tokens = f.tokens, b.table_rows = c.table, b.x = f.x, b.x_stride = x_stride, b.y_stride = b.grad_stride = y_stride, b.dx_stride = x_stride;
        b.initial = f.initial, b.y = f.y, b.records = f.records, b.grad_y = full(sent.y, y_width, y_stride), b.grad_last = grad_last.data();
        b.dx = c.has(DX) ? empty((x_rows - 1) * x_stride + x_width) : nullptr, b.grad_initial = grad_initial.data();
        for (int d = 0; d < c.directions; ++d) {
            b.weights[d] = weights[d];
            void** gradients[5] = {&b.gradients[d].ih, &b.gradients[d].hh, &b.gradients[d].bias_ih, &b.gradients[d].bias_hh, &b.gradients[d].vectors};
            for (int w = 0; w < 5; ++w) *gradients[w] = c.wanted >> w & 1 ? empty(given.weights[d][w].size()) : nullptr;
        }
        const Space back(engine.backward.scratch_bytes(shape, b.program));
        b.scratch = back.data;
        engine.backward.run(b);
        if (b.dx) note("gradient of x", static_cast<Real*>(b.dx), x_rows, x_width, x_stride);
        for (size_t k = 0; k < grad_initial.size(); ++k) note("gradient of state " + std::to_string(k), static_cast<Real*>(grad_initial[k]), 1, state, state);
        for (int d = 0; d < c.directions; ++d) {
            const void* gradients[5] = {b.gradients[d].ih, b.gradients[d].hh, b.gradients[d].bias_ih, b.gradients[d].bias_hh, b.gradients[d].vectors};
            for (int w = 0; w < 5; ++w)
                if (const int64_t count = given.weights[d][w].size(); gradients[w]) note("gradient of weight " + std::to_string(w) + " of direction " + std::to_string(d), static_cast<const Real*>(gradients[w]), 1, count, count);
        }
    }

    // Four threads at once share what is kept of the weights.
    void crowd(const Kernels& kernels, const Forward& one, const Weights* weights) {
        const Numbers wanted = found[0].numbers;
        PackedWeights shared;
        int wrong[4] = {};
        auto work = [&](int number) {
            for (int turn = 0; turn < 3; ++turn) {
                Forward f = one;
                const auto packed = shared.get(kernels, engine, shape, weights, number % 2 == 0);
                for (int d = 0; d < 2; ++d) f.packed[d] = static_cast<char*>(packed->data()) + d * PackedWeights::bytes(engine, shape);
                Buffer<Real> y((c.rows - 1) * f.y_stride + c.directions * c.units);
                std::vector<std::unique_ptr<Buffer<Real>>> last;
                std::vector<void*> at;
                for (size_t k = 0; k < given.states.size(); ++k) {
                    last.push_back(std::make_unique<Buffer<Real>>(given.states[k].size()));
                    at.push_back(last.back()->data.get());
                }
                const Memory scratch(engine.forward.scratch_bytes(shape, f.program));
                f.y = y.data.get(), f.last = at.data(), f.records = nullptr, f.scratch = scratch.data();
                engine.forward.run(f);
                for (int64_t r = 0, k = 0; r < c.rows; ++r)
                    for (int64_t i = 0; i < c.directions * c.units; ++i, ++k) wrong[number] += !(double(y.data[r * f.y_stride + i]) == wanted[k]);
            }
        };
        std::vector<std::thread> threads;
        for (int number = 0; number < 4; ++number) threads.emplace_back(work, number);
        for (auto& thread : threads) thread.join();
        if (wrong[0] + wrong[1] + wrong[2] + wrong[3]) complain("four threads at once: other outputs than one alone");
    }
};
